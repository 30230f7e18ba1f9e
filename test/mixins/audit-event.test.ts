import '../support/events.js'
import { actAs, currentAttempt } from '@countersign/core'
import { AuditEvent } from '@countersign/mixins'
import { describe, expect, it } from 'vitest'
import { Refusal } from '../support/controllers.js'
import { codeOf, onlyRow, recording, summary } from '../support/recording.js'

const actor = (): null => null

describe('@AuditEvent', () => {
  it('takes attempted, subject and details from the arguments', async () => {
    const recorded = recording()
    class Invoices {
      static readonly className = 'Invoices'
      static readonly actor = actor
      static readonly trail = recorded.trail
      @AuditEvent('invoice_payment', {
        attempted: (body: { email: string }) => body.email,
        subject: (_, invoiceId: string) => ({ type: 'invoice', id: invoiceId }),
        details: (_, invoiceId: string) => ({ invoiceId }),
      })
      async pay(_body: { email: string }, _invoiceId: string): Promise<void> {
        actAs({ id: 7 })
      }
    }
    await new Invoices().pay({ email: 'Ada@example.org' }, 'i-1')
    expect(onlyRow(recorded)).toMatchObject({
      event: 'invoice_payment',
      className: 'Invoices',
      methodName: 'pay',
      actor: { type: 'user', id: '7' },
      attempted: { masked: 'a***@e***.org', hash: recorded.trail.identifierHash('ada@example.org') },
      subject: { type: 'invoice', id: 'i-1' },
      details: { invoiceId: 'i-1' },
    })
  })

  it.each([
    ['throws', () => JSON.parse('{')],
    ['finds nothing', () => null],
    ['finds what is no text', () => 42 as never],
  ])('records without the value when what it takes from the arguments %s', async (_, attempted) => {
    const recorded = recording()
    class Session {
      static readonly className = 'Session'
      static readonly actor = actor
      static readonly trail = recorded.trail
      @AuditEvent('login', { attempted, details: () => ({ method: 'password' }) })
      async post(): Promise<string> {
        return 'in'
      }
    }
    expect(await new Session().post()).toBe('in')
    expect(onlyRow(recorded)).toMatchObject({ outcome: 'success', attempted: null })
  })

  it('keeps what one of several extractors found when another one throws', async () => {
    const recorded = recording()
    const cause = new Error('no body')
    class Session {
      static readonly className = 'Session'
      static readonly actor = actor
      static readonly trail = recorded.trail
      @AuditEvent('login', {
        attempted: () => {
          throw cause
        },
        subject: () => ({ type: 'user', id: 'u-1' }),
        details: () => ({ method: 'password' }),
      })
      async post(): Promise<void> {}
    }
    await new Session().post()
    expect(recorded.faults).toMatchObject([{ code: 'STEP_FAILED', cause }])
    expect(onlyRow(recorded)).toMatchObject({
      attempted: null,
      subject: { id: 'u-1' },
      details: { method: 'password' },
    })
  })

  it('lets the handler add to the details, and correct them', async () => {
    const recorded = recording()
    class Session {
      static readonly className = 'Session'
      static readonly actor = actor
      static readonly trail = recorded.trail
      @AuditEvent('login', { details: () => ({ method: 'password', remember: false }) })
      async post(): Promise<void> {
        currentAttempt('login').details({ method: 'totp' })
      }
    }
    await new Session().post()
    expect(onlyRow(recorded).details).toEqual({ method: 'totp', remember: false })
  })

  it('audits several events on one method, each once', async () => {
    const recorded = recording()
    class Session {
      static readonly className = 'Session'
      static readonly actor = actor
      static readonly trail = recorded.trail
      @AuditEvent('login')
      @AuditEvent('two_factor_challenge')
      @AuditEvent('token_refresh')
      async post(): Promise<void> {
        throw new Refusal(401, 'bad_code')
      }
    }
    await new Session().post().catch(() => undefined)
    expect(summary(recorded)).toEqual(['login failure', 'token_refresh failure', 'two_factor_challenge failure'])
  })

  it('audits a method that is named by a symbol', async () => {
    const recorded = recording()
    const enter = Symbol('enter')
    class Session {
      static readonly className = 'Session'
      static readonly actor = actor
      static readonly trail = recorded.trail
      @AuditEvent('login')
      async [enter](): Promise<string> {
        return 'in'
      }
    }
    expect(await new Session()[enter]()).toBe('in')
    expect(onlyRow(recorded)).toMatchObject({ event: 'login', outcome: 'success' })
  })

  it('audits a private-looking and an inherited method alike', async () => {
    const recorded = recording()
    class Base {
      @AuditEvent('login')
      protected async enter(): Promise<string> {
        return 'in'
      }
      async post(): Promise<string> {
        return this.enter()
      }
    }
    class Session extends Base {
      static readonly className = 'Session'
      static readonly actor = actor
      static readonly trail = recorded.trail
    }
    expect(await new Session().post()).toBe('in')
    expect(onlyRow(recorded)).toMatchObject({ className: 'Session', methodName: 'enter' })
  })

  it('says so when it was compiled without experimentalDecorators', () => {
    const standard = { kind: 'method', name: 'post', static: false }
    const apply = AuditEvent('login') as unknown as (...args: unknown[]) => void
    expect(codeOf(() => apply(async () => 1, standard))).toBe('SETTING_INVALID')
    expect(() => apply(async () => 1, standard)).toThrow(
      "@AuditEvent('login') was compiled without experimentalDecorators; set it in tsconfig.json.",
    )
  })

  it.each(['email', null, 7])('refuses %j for its options', (options) => {
    expect(codeOf(() => AuditEvent('login', options as never))).toBe('SETTING_INVALID')
  })

  it.each(['Login', 'login.failure', '', 'log in', undefined])('refuses the event %j', (event) => {
    expect(codeOf(() => AuditEvent(event as never))).toBe('EVENT_NAME_INVALID')
  })
})

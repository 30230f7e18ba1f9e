import '../support/events.js'
import { AuditEvent as LegacyAuditEvent } from '@countersign/mixins'
import { AuditEvent as StandardAuditEvent } from '@countersign/mixins/es'
import { describe, expect, it } from 'vitest'
import { decoratedControllers, decoratorKinds } from '../support/decorators.js'
import { codeOf, onlyRow, recording, summary } from '../support/recording.js'

describe.each(decoratorKinds)('@AuditEvent (%s)', (kind) => {
  const controllers = decoratedControllers(kind)
  const { inheritedMethod, invoices, mixedWithMixins, namedBySymbol, sessions, severalEvents } = controllers

  it('takes attempted, subject and details from the arguments', async () => {
    const recorded = recording()
    const Invoices = invoices(recorded)
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
    const Session = sessions(recorded, { attempted, details: () => ({ method: 'password' }) })
    expect(await new Session().post()).toBe('in')
    expect(onlyRow(recorded)).toMatchObject({ outcome: 'success', attempted: null })
  })

  it('keeps what one of several extractors found when another one throws', async () => {
    const recorded = recording()
    const cause = new Error('no body')
    const Session = sessions(recorded, {
      attempted: () => {
        throw cause
      },
      subject: () => ({ type: 'user', id: 'u-1' }),
      details: () => ({ method: 'password' }),
    })
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
    const Session = sessions(recorded, { details: () => ({ method: 'password', remember: false }) })
    await new Session().post('totp')
    expect(onlyRow(recorded).details).toEqual({ method: 'totp', remember: false })
  })

  it('audits several events on one method, each once', async () => {
    const recorded = recording()
    const Session = severalEvents(recorded)
    await new Session().post().catch(() => undefined)
    expect(summary(recorded)).toEqual(['login failure', 'token_refresh failure', 'two_factor_challenge failure'])
  })

  it('goes together with mixins, in the subclass and in the base', async () => {
    const recorded = recording()
    const controller = new (mixedWithMixins(recorded))()
    expect(await controller.post()).toBe('in')
    expect(summary(recorded)).toEqual([
      'login success',
      'signup success',
      'token_refresh success',
      'two_factor_challenge success',
    ])
    await controller.leave()
    expect(recorded.rows.at(-1)).toMatchObject({ event: 'logout', methodName: 'leave', className: 'AccountController' })
    expect(recorded.rows).toHaveLength(5)
  })

  it('audits a method that is named by a symbol', async () => {
    const recorded = recording()
    const Session = namedBySymbol(recorded)
    expect(await new Session()[controllers.enter]()).toBe('in')
    expect(onlyRow(recorded)).toMatchObject({ event: 'login', outcome: 'success' })
  })

  it('audits a private-looking and an inherited method alike', async () => {
    const recorded = recording()
    const Session = inheritedMethod(recorded)
    expect(await new Session().post()).toBe('in')
    expect(onlyRow(recorded)).toMatchObject({ className: 'Session', methodName: 'enter' })
  })
})

describe.each([
  ['legacy', LegacyAuditEvent],
  ['ES', StandardAuditEvent],
])('@AuditEvent (%s)', (_, AuditEvent) => {
  it.each(['email', null, 7])('refuses %j for its options', (options) => {
    expect(codeOf(() => AuditEvent('login', options as never))).toBe('SETTING_INVALID')
  })

  it.each(['Login', 'login.failure', '', 'log in', undefined])('refuses the event %j', (event) => {
    expect(codeOf(() => AuditEvent(event as never))).toBe('EVENT_NAME_INVALID')
  })
})

import './events.js'
import { actAs, currentAttempt } from '@countersign/core'
import { AuditEvent, type AuditEventOptions, Throttle, withLoginAudit, withSignupAudit } from '@countersign/mixins'
import type { Recording } from './recording.js'

/** Compiled once for each kind of decorators, by `decoratedControllers`: what is written here holds for both. */

type Trail = Pick<Recording, 'trail'>
const actor = (): null => null

export interface Credentials {
  readonly email: string
  readonly password?: string
}

const refusal = (httpCode: number, reason: string): Error => Object.assign(new Error(reason), { httpCode, reason })

export function invoices({ trail }: Trail) {
  class Invoices {
    static readonly className = 'Invoices'
    static readonly actor = actor
    static readonly trail = trail
    @AuditEvent('invoice_payment', {
      attempted: (body: { email: string }) => body.email,
      subject: (_, invoiceId: string) => ({ type: 'invoice', id: invoiceId }),
      details: (_, invoiceId: string) => ({ invoiceId }),
    })
    async pay(_body: { email: string }, _invoiceId: string): Promise<void> {
      actAs({ id: 7 })
    }
  }
  return Invoices
}

export function sessions({ trail }: Trail, options: AuditEventOptions<'login'>) {
  class Session {
    static readonly className = 'Session'
    static readonly actor = actor
    static readonly trail = trail
    @AuditEvent('login', options)
    async post(corrected?: 'totp'): Promise<string> {
      if (corrected) currentAttempt('login').details({ method: corrected })
      return 'in'
    }
  }
  return Session
}

export function severalEvents({ trail }: Trail) {
  class Session {
    static readonly className = 'Session'
    static readonly actor = actor
    static readonly trail = trail
    @AuditEvent('login')
    @AuditEvent('two_factor_challenge')
    @AuditEvent('token_refresh')
    async post(): Promise<void> {
      throw refusal(401, 'bad_code')
    }
  }
  return Session
}

export const enter: unique symbol = Symbol('enter')

export function namedBySymbol({ trail }: Trail): new () => { [enter](): Promise<string> } {
  class Session {
    static readonly className = 'Session'
    static readonly actor = actor
    static readonly trail = trail
    @AuditEvent('login')
    async [enter](): Promise<string> {
      return 'in'
    }
  }
  return Session
}

export function inheritedMethod({ trail }: Trail): new () => { post(): Promise<string> } {
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
    static readonly trail = trail
  }
  return Session
}

/** A login that is limited and audited, and counts how often its handler ran. */
export function limitedLogin({ trail }: Trail) {
  class Session {
    static readonly className = 'Session'
    static readonly actor = actor
    static readonly trail = trail
    runs = 0
    @AuditEvent('login', { attempted: (body: Credentials) => body.email })
    @Throttle('login')
    async post({ password }: Credentials): Promise<string> {
      this.runs++
      if (password !== 'right') throw refusal(401, 'bad_credentials')
      return 'in'
    }
  }
  return Session
}

/** Two methods, the one hooked by a mixin and the other by a decorator, and one hooked by both. */
export function mixedWithMixins({ trail }: Trail) {
  class Account {
    @AuditEvent('token_refresh')
    async post(): Promise<string> {
      return 'in'
    }
    async leave(): Promise<void> {}
  }
  class AccountController extends withSignupAudit(withLoginAudit(Account)) {
    static readonly className = 'AccountController'
    static readonly actor = actor
    static readonly trail = trail
    @AuditEvent('two_factor_challenge')
    override async post(): Promise<string> {
      return (await super.post()) as string
    }
    @AuditEvent('logout')
    override async leave(): Promise<void> {}
  }
  return AccountController
}

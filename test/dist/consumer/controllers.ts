import { flexibleLimiter } from '@countersign/adapters/rate-limiter-flexible'
import { auditedControllers, requestOf, safeDefaults } from '@countersign/adapters/routing-controllers'
import { type AuditContext, actAs, createAuditTrail, currentAttempt, memorySink } from '@countersign/core'
import {
  AbstractSignalMixin,
  AuditEvent,
  type AuditedController,
  auditMixin,
  type MixinBase,
  mix,
  Throttle,
  withFailedResetAudit,
  withLoginAudit,
  withLogoutAudit,
  withThrottle,
} from '@countersign/mixins'
import { IsEmail, IsString } from 'class-validator'
import type { Request } from 'express'
import { Body, HttpError, JsonController, Post } from 'routing-controllers'

declare module '@countersign/core' {
  interface AuditEvents {
    invoice_payment: { invoiceId: string }
  }
}

export const sink = memorySink()
export const limiter = flexibleLimiter({ scopes: { login: { identifier: '2/min' } } })
export const trail = createAuditTrail({ sink, limiter, key: 'a key of thirty-two bytes at the least' })
export const attempt = currentAttempt('login')

class Credentials {
  @IsEmail()
  email!: string

  @IsString()
  password!: string
}

/** A base with everything that declaration files have trouble with. */
export class Account {
  static readonly area = 'accounts'
  readonly #users = new Map([['ada@example.com', 'correct horse']])
  private readonly opened = new Set<string>()
  protected readonly greeting = 'hello'

  @Post('/login')
  async login(@Body() body: Credentials): Promise<{ greeting: string }> {
    if (this.#users.get(body.email) !== body.password) {
      currentAttempt('login').reason('bad_credentials')
      throw new HttpError(401)
    }
    actAs({ id: body.email })
    this.opened.add(body.email)
    return { greeting: this.greeting }
  }

  @Post('/logout')
  async logout(): Promise<{ opened: number }> {
    return { opened: this.opened.size }
  }
}

@JsonController('/account')
export class AccountController extends mix(
  Account,
  (B) => withLoginAudit(B, { method: 'login' }),
  (B) => withLogoutAudit(B, { method: 'logout' }),
  (B) => withThrottle(B, { scope: 'login', method: 'login' }),
) {
  static readonly className = 'AccountController'
  static readonly actor = (context: AuditContext) => {
    const id = requestOf<Request>(context)?.get('x-user')
    return id === undefined ? null : { type: 'user' as const, id }
  }
}

export const withInvoiceAudit = auditMixin({
  event: 'invoice_payment',
  method: 'pay',
  details: (invoiceId: string) => ({ invoiceId }),
})

export interface InvoiceHandlers {
  pay(...args: any[]): Promise<unknown>
}

export function withHandWrittenAudit<Base extends MixinBase<InvoiceHandlers>>(
  Base: Base,
): Base & MixinBase<AuditedController> {
  abstract class InvoiceAudited extends AbstractSignalMixin(Base, { pay: 'invoice_payment' }) {
    override async pay(...args: any[]) {
      return this.audited('invoice_payment', { invoiceId: args[0] }, () => super.pay(...args))
    }
  }
  return InvoiceAudited
}

class Invoices {
  async pay(invoiceId: string) {
    return { paid: invoiceId }
  }
}

export class InvoiceController extends withInvoiceAudit(Invoices) {
  static readonly className = 'InvoiceController'
  static readonly actor = () => null
}
export class HandWrittenController extends withHandWrittenAudit(Invoices) {
  static readonly className = 'HandWrittenController'
  static readonly actor = () => null
}
export const Composed = withFailedResetAudit(
  class {
    async post(email: string) {
      return { sent: email !== '' }
    }
  },
)

@JsonController('/session')
export class SessionController {
  static readonly className = 'SessionController'
  static readonly actor = () => null

  @AuditEvent('password_change')
  @Throttle('login', { identifier: (body: Credentials) => body.email })
  @Post('/password')
  async change(@Body() body: Credentials) {
    return { changed: body.password !== '' }
  }
}

export const options = {
  ...safeDefaults,
  controllers: auditedControllers(trail, [AccountController, SessionController]),
}

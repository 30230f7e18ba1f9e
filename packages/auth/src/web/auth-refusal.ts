import type { AuditReason } from '@countersign/core'

/** What a refusal says: to the client the detail, in the row the reason, where that is not the code. */
export interface RefusalOptions {
  readonly detail: string
  readonly reason?: AuditReason
  /** Whole seconds until it is worth trying again, for `Retry-After`. */
  readonly retryAfter?: number
}

/** A refusal: what the client may know (`code`, `detail`) and what the row says (`reason`). */
export class AuthRefusal extends Error {
  readonly httpCode: number
  readonly code: string
  readonly reason: string
  readonly retryAfter: number | undefined
  readonly expose = true

  constructor(httpCode: number, code: AuditReason, options: RefusalOptions)
  constructor(httpCode: number, code: string, options: RefusalOptions & { readonly reason: AuditReason })
  constructor(httpCode: number, code: string, options: RefusalOptions) {
    super(options.detail)
    this.name = 'AuthRefusal'
    this.httpCode = httpCode
    this.code = code
    this.reason = options.reason ?? code
    this.retryAfter = options.retryAfter
  }
}

/** The one answer to every mailed link that is worth nothing; the row's reason tells why. */
export function worthlessLink(reason: AuditReason): AuthRefusal {
  return new AuthRefusal(400, 'invalid_token', {
    reason,
    detail: 'This link is not valid, or was used, or is too old.',
  })
}

/** The one answer to every login that fails; the row's reason tells which it was. */
export function wrongCredentials(reason: AuditReason): AuthRefusal {
  return new AuthRefusal(401, 'invalid_credentials', { reason, detail: 'The e-mail address or the password is wrong.' })
}

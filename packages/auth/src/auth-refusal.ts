/** A refusal: what the client may know (`code`, `detail`) and what the row says (`reason`). */
export class AuthRefusal extends Error {
  readonly httpCode: number
  readonly code: string
  readonly reason: string
  readonly expose = true

  constructor(httpCode: number, code: string, options: { readonly reason?: string; readonly detail: string }) {
    super(options.detail)
    this.name = 'AuthRefusal'
    this.httpCode = httpCode
    this.code = code
    this.reason = options.reason ?? code
  }
}

/** The one answer to every login that fails; the row's reason tells which it was. */
export function wrongCredentials(reason: string): AuthRefusal {
  return new AuthRefusal(401, 'invalid_credentials', { reason, detail: 'The e-mail address or the password is wrong.' })
}

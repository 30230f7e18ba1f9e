import { requestOf } from '@countersign/adapters/routing-controllers'
import { type Actor, type AuditContext, currentAttempt } from '@countersign/core'
import { parse } from 'cookie'
import type { Request } from 'express'
import type { Action } from 'routing-controllers'
import { AuthRefusal } from '../web/auth-refusal.js'
import type { Principal, Sessions } from './sessions.js'

// A property, not a WeakMap: an entry for every request would be most of the garbage collector's work.
const key: unique symbol = Symbol('countersign.principal')

interface AuthenticatedRequest extends Request {
  [key]?: Principal
}

/** Who is asking, once the guard has let the request through. */
export function principalOf(request: Request): Principal {
  const principal = (request as AuthenticatedRequest)[key]
  if (!principal) throw new AuthRefusal(401, 'unauthenticated', { detail: 'Please log in.' })
  return principal
}

/** The `actor` source of every controller here. */
export function currentUser(context: AuditContext): Actor | null {
  const request = requestOf(context)
  const principal = request && (request as AuthenticatedRequest)[key]
  return principal ? { type: 'user', id: principal.userId, label: principal.email } : null
}

/** What the guard of every controller is made of. */
export interface GuardOptions {
  readonly sessions: Sessions
  readonly cookieName: string
  /** Origins that may send the session's cookie along. */
  readonly isAllowedOrigin: (origin: string, request: Request) => boolean
}

/** What `@Authorized()` asks: a token of a living session, and for `@Authorized('admin')` an administrator. */
export function authorizationChecker({ sessions, cookieName, isAllowedOrigin }: GuardOptions) {
  return async ({ request }: Action, roles: string[]): Promise<boolean> => {
    const credential = credentialOf(request as Request, cookieName)
    const principal = credential && (await sessions.principalOf(credential.token))
    if (!principal) throw new AuthRefusal(401, 'unauthenticated', { detail: 'Please log in.' })
    currentAttempt().session(principal.sessionId)
    ;(request as AuthenticatedRequest)[key] = principal
    if (credential.fromCookie) refuseForeign(request as Request, isAllowedOrigin)
    return !roles.includes('admin') || principal.isAdmin
  }
}

interface Credential {
  readonly token: string
  readonly fromCookie: boolean
}

const bearer = /^Bearer ([\w.-]+)$/i

/** An `Authorization` header decides alone; a cookie counts where there is none. */
function credentialOf({ headers }: Request, cookieName: string): Credential | null {
  if (headers.authorization !== undefined) {
    const token = bearer.exec(headers.authorization)?.[1]
    return token === undefined ? null : { token, fromCookie: false }
  }
  const token = parse(headers.cookie ?? '')[cookieName]
  return token === undefined ? null : { token, fromCookie: true }
}

const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** A browser says where a request comes from; another site's may not use our cookie to change anything. */
function refuseForeign(request: Request, isAllowedOrigin: GuardOptions['isAllowedOrigin']): void {
  if (safeMethods.has(request.method)) return
  const { origin, 'sec-fetch-site': site } = request.headers
  const isForeign =
    origin !== undefined ? !isAllowedOrigin(origin, request) : site === 'cross-site' || site === 'same-site'
  if (isForeign) throw new AuthRefusal(403, 'csrf', { detail: 'This request came from another site.' })
}

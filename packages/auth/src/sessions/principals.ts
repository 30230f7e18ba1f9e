import { requestOf } from '@countersign/adapters/routing-controllers'
import { type Actor, type AuditContext, currentAttempt } from '@countersign/core'
import type { Request, Response } from 'express'
import type { Action } from 'routing-controllers'
import { AuthRefusal } from '../web/auth-refusal.js'
import type { Caller, RequestGuard } from './request-guard.js'
import type { Principal } from './sessions.js'

// A property, not a WeakMap: an entry for every request would be most of the garbage collector's work.
const key: unique symbol = Symbol('countersign.caller')

interface AuthenticatedRequest extends Request {
  [key]?: Caller
}

/** Who is asking, and how they said so, once the guard has let the request through. */
export function callerOf(request: Request): Caller {
  const caller = (request as AuthenticatedRequest)[key]
  if (!caller) throw new AuthRefusal(401, 'unauthenticated', { detail: 'Please log in.' })
  return caller
}

/** Who is asking, once the guard has let the request through. */
export function principalOf(request: Request): Principal {
  return callerOf(request).principal
}

/** The `actor` source of every controller here. */
export function currentUser(context: AuditContext): Actor | null {
  const request = requestOf(context)
  const principal = request && (request as AuthenticatedRequest)[key]?.principal
  return principal ? { type: 'user', id: principal.userId, label: principal.email } : null
}

/** Notes who is asking, for the handler and for the rows of the request. */
function admit(request: Request, caller: Caller): void {
  currentAttempt().session(caller.principal.sessionId)
  ;(request as AuthenticatedRequest)[key] = caller
}

/** What `@Authorized()` asks: a token of a living session, and for `@Authorized('admin')` an administrator. */
export function authorizationChecker(guard: RequestGuard) {
  return async ({ request, response }: Action, roles: string[]): Promise<boolean> => {
    const caller = await guard.callerOf(request)
    if (!caller) challenge(request, response)
    if (!caller) throw new AuthRefusal(401, 'unauthenticated', { detail: 'Please log in.' })
    admit(request, caller)
    if (caller.byCookie) guard.refuseForeign(request, caller.principal.sessionId)
    return !roles.includes('admin') || caller.principal.isAdmin
  }
}

/** The same words for every token that is worth nothing (RFC 6750): why it is, is for the row. */
function challenge(request: Request, response: Response): void {
  const brought = request.headers.authorization !== undefined
  response.set('WWW-Authenticate', brought ? 'Bearer error="invalid_token"' : 'Bearer')
}

import type { Request } from 'express'
import { AuthRefusal } from '../web/auth-refusal.js'
import type { CsrfTokens } from './csrf-tokens.js'
import type { OriginPolicy } from './origin-policy.js'
import type { SessionCookies } from './session-cookies.js'
import type { Principal, SessionOwner, Sessions } from './sessions.js'

/** What a {@link RequestGuard} works with. */
export interface RequestGuardParts {
  readonly sessions: Sessions
  readonly cookies: SessionCookies
  readonly csrfTokens: CsrfTokens
  readonly isAllowedOrigin: OriginPolicy
}

/** Who sent a request, and how it said so. */
export interface Caller {
  readonly principal: Principal
  /** Whether a browser sent the cookie along by itself. */
  readonly byCookie: boolean
}

const bearer = /^Bearer ([\w.-]+)$/i
const fromElsewhere = 'This request came from another site.'
const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Tells who sent a request, and refuses what another site made a browser send. */
export class RequestGuard {
  readonly #parts: RequestGuardParts

  constructor(parts: RequestGuardParts) {
    this.#parts = parts
  }

  /** An `Authorization` header decides alone; a cookie counts where there is none. Null for nobody. */
  async callerOf(request: Request): Promise<Caller | null> {
    const { sessions, cookies } = this.#parts
    const { authorization } = request.headers
    const byCookie = authorization === undefined
    const token = byCookie ? cookies.accessToken.read(request) : bearer.exec(authorization)?.[1]
    const principal = token ? await sessions.principalOf(token) : null
    return principal && { principal, byCookie }
  }

  /** Whose session a logout ends: that of the access token, else that of the refresh token. Null for nobody's. */
  async leaving(request: Request): Promise<SessionOwner | null> {
    const { sessions, cookies } = this.#parts
    const caller = await this.callerOf(request)
    if (caller && !caller.byCookie) return caller.principal
    // A header decides alone: whoever sends one is no browser that sends its cookies by itself.
    const token = request.headers.authorization === undefined ? cookies.refreshToken.read(request) : null
    const owner = caller?.principal ?? (token === null ? null : await sessions.ownerOf(token))
    if (owner) this.refuseForeign(request, owner.sessionId)
    return owner
  }

  /** Ends the session that a browser had until now: a login puts another one in its place. */
  async supersede(request: Request): Promise<void> {
    const { sessions, cookies } = this.#parts
    const token = cookies.refreshToken.read(request)
    const owner = token === null ? null : await sessions.ownerOf(token)
    if (owner) await sessions.end(owner.sessionId)
  }

  /** The same as {@link refuseForeign} for the cookie with the refresh token. */
  async refuseForeignRefresh(request: Request, refreshToken: string): Promise<void> {
    if (this.#comesFromOurs(request)) return
    const owner = await this.#parts.sessions.ownerOf(refreshToken)
    // A token that is worth nothing is answered as such.
    if (owner) this.refuseForeign(request, owner.sessionId)
  }

  /**
   * Refuses a change that a cookie came along with by itself, unless it comes from one of our pages, or
   * shows the token of the session. A browser says where a request comes from; others say nothing.
   */
  refuseForeign(request: Request, sessionId: string): void {
    if (safeMethods.has(request.method) || this.#comesFromOurs(request)) return
    const { origin, 'sec-fetch-site': site, 'x-csrf-token': token } = request.headers
    const isSilent = origin === undefined && (site === undefined || site === 'none')
    if (isSilent && this.#parts.csrfTokens.isOf(sessionId, token)) return
    const detail = isSilent ? 'Send the X-CSRF-Token that GET csrf gives.' : fromElsewhere
    throw new AuthRefusal(403, 'csrf', { detail })
  }

  /**
   * Refuses what another site made a browser send where no session vouches for it yet: a login would put somebody
   * else's account into that browser.
   */
  refuseOtherSite(request: Request): void {
    const { origin, 'sec-fetch-site': site } = request.headers
    const saysNothing = origin === undefined && (site === undefined || site === 'none')
    if (saysNothing || this.#comesFromOurs(request)) return
    throw new AuthRefusal(403, 'csrf', { detail: fromElsewhere })
  }

  #comesFromOurs(request: Request): boolean {
    const { origin, 'sec-fetch-site': site } = request.headers
    return origin === undefined ? site === 'same-origin' : this.#parts.isAllowedOrigin(origin, request)
  }
}

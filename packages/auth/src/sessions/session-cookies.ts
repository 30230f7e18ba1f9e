import type { Request, Response } from 'express'
import type { AuthSettings } from '../auth-settings.js'
import { type CookieRules, HostCookie } from '../web/host-cookies.js'
import type { OpenedSession } from './sessions.js'

/** Puts the tokens of a session where scripts can't read them, and takes them away again. */
export interface SessionCookies {
  readonly accessToken: HostCookie
  readonly refreshToken: HostCookie
  set(response: Response, session: OpenedSession): void
  clear(response: Response): void
  /** Takes away those that came along: whoever had none sent may have been made to ask by another site. */
  clearBrought(request: Request, response: Response): void
}

/** The rules for every cookie of a server: `Secure` and `__Host-` in production. */
export function cookieRules({ production, cookies = {} }: AuthSettings): CookieRules {
  return { secure: cookies.secure ?? production === true, prefixed: cookies.prefixed ?? true }
}

/** The cookies of a server, named and set as its settings say. */
export function sessionCookies(settings: AuthSettings): SessionCookies {
  const rules = cookieRules(settings)
  const { accessName = 'at', refreshName = 'rt', sameSite = 'lax' } = settings.cookies ?? {}
  const accessToken = new HostCookie(accessName, sameSite, rules)
  // No link from elsewhere has to renew a session; a frontend of another site does.
  const refreshToken = new HostCookie(refreshName, sameSite === 'none' ? 'none' : 'strict', rules)
  return {
    accessToken,
    refreshToken,
    set(response, session) {
      accessToken.set(response, session.accessToken, session.keepFor === null ? null : session.expiresIn)
      refreshToken.set(response, session.refreshToken, session.keepFor)
    },
    clear(response) {
      accessToken.clear(response)
      refreshToken.clear(response)
    },
    clearBrought(request, response) {
      for (const cookie of [accessToken, refreshToken]) if (cookie.isIn(request)) cookie.clear(response)
    },
  }
}

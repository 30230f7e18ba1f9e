import type { Response } from 'express'
import type { AuthSettings } from '../auth-settings.js'
import type { OpenedSession } from './sessions.js'

/** Puts the access token where scripts can't read it, and takes it away again. */
export interface SessionCookies {
  set(response: Response, session: OpenedSession): void
  clear(response: Response): void
}

/** `__Host-` ties a cookie to this host and to HTTPS; without HTTPS a browser would refuse it. */
export function cookieName({ production }: AuthSettings): string {
  return production ? '__Host-at' : 'at'
}

/** The cookies of a server: HttpOnly, and `Secure` in production. */
export function sessionCookies(settings: AuthSettings): SessionCookies {
  const name = cookieName(settings)
  const attributes = { httpOnly: true, secure: settings.production === true, sameSite: 'lax', path: '/' } as const
  return {
    set: (response, { accessToken, expiresIn }) =>
      response.cookie(name, accessToken, { ...attributes, maxAge: expiresIn * 1000 }),
    clear: (response) => response.clearCookie(name, attributes),
  }
}

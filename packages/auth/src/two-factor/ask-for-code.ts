import type { Response } from 'express'
import type { HostCookie } from '../web/host-cookies.js'
import type { PendingLogin } from './pending-logins.js'

/** Where the browser of a login is marked. */
export interface CodeRecipient {
  readonly response: Response
  readonly cookie: HostCookie
}

/** Says that a login takes a code, and marks the browser that may bring it; what it returns is the answer. */
export function askForCode({ response, cookie }: CodeRecipient, pending: PendingLogin): Record<string, unknown> {
  const { sessionToken, browserToken, expiresIn } = pending
  if (browserToken !== null) cookie.set(response, browserToken, expiresIn)
  return { requires_2fa: true, session_token: sessionToken }
}

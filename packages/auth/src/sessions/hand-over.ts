import type { Response } from 'express'
import type { SessionCookies } from './session-cookies.js'
import type { OpenedSession } from './sessions.js'

/** Who gets the tokens: a browser in cookies, or a program in the answer. */
export interface Recipient {
  readonly response: Response
  readonly byCookie: boolean
}

/** Hands the tokens of a session over; what it returns belongs into the body of the answer. */
export function handOver(
  cookies: SessionCookies,
  { response, byCookie }: Recipient,
  session: OpenedSession,
): Record<string, unknown> {
  const { accessToken, refreshToken, expiresIn } = session
  if (!byCookie) return { access: accessToken, refresh: refreshToken, token_type: 'Bearer', expires_in: expiresIn }
  cookies.set(response, session)
  return { expires_in: expiresIn }
}

import type { Request } from 'express'
import type { AuthSettings } from '../auth-settings.js'

/** Whose pages may send the session's cookie along: our own. */
export function originPolicy({ publicUrl, production }: AuthSettings): (origin: string, request: Request) => boolean {
  const own = new URL(publicUrl).origin
  // In development the same server is reached as localhost, 127.0.0.1 and by other names.
  return (origin, request) => origin === own || (production !== true && origin === `http://${request.headers.host}`)
}

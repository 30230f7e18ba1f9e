import type { Request } from 'express'
import type { AuthSettings } from '../auth-settings.js'

/** Tells whether the pages of an origin may use the session's cookies. */
export type OriginPolicy = (origin: string, request: Request) => boolean

/** Whose pages may: our own, and those of the origins that are allowed by setting. */
export function originPolicy({ publicUrl, production, allowedOrigins = [] }: AuthSettings): OriginPolicy {
  const allowed = new Set([new URL(publicUrl).origin, ...allowedOrigins])
  // In development the same server is reached as localhost, 127.0.0.1 and by other names.
  return (origin, request) =>
    allowed.has(origin) || (production !== true && origin === `http://${request.headers.host}`)
}

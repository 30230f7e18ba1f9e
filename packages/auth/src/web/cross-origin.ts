import type { Express } from 'express'
import type { AuthSettings } from '../auth-settings.js'

const methods = 'GET, POST, PUT, PATCH, DELETE'
const requestHeaders = 'Authorization, Content-Type, X-CSRF-Token'
const responseHeaders = 'Retry-After, WWW-Authenticate'
const seconds = '600'

/**
 * Lets the pages of the origins that are allowed by setting read the API's answers, with cookies (CORS);
 * those of no other origin.
 */
export function allowOrigins(app: Express, { allowedOrigins = [] }: Pick<AuthSettings, 'allowedOrigins'>): void {
  if (allowedOrigins.length === 0) return
  const allowed = new Set(allowedOrigins)
  app.use('/api', (request, response, next) => {
    const { origin } = request.headers
    response.vary('Origin')
    if (origin === undefined || !allowed.has(origin)) return next()
    response.set({ 'Access-Control-Allow-Origin': origin, 'Access-Control-Allow-Credentials': 'true' })
    response.set('Access-Control-Expose-Headers', responseHeaders)
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return next()
    response.set({
      'Access-Control-Allow-Methods': methods,
      'Access-Control-Allow-Headers': requestHeaders,
      'Access-Control-Max-Age': seconds,
    })
    response.status(204).end()
  })
}

import type { Express } from 'express'
import helmet from 'helmet'
import type { AuthSettings } from '../auth-settings.js'

const directives = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  connectSrc: ["'self'"],
  imgSrc: ["'self'", 'data:'],
  formAction: ["'self'"],
  baseUri: ["'none'"],
  frameAncestors: ["'none'"],
}

/** What every response says to browsers and caches, before any route is looked at. */
export function secureHeaders(app: Express, { production }: AuthSettings): void {
  app.disable('x-powered-by')
  // An answer of the API is for whoever asked, now: no cache may keep it, or recognise it by its tag.
  app.disable('etag')
  app.use('/api', (_request, response, next) => {
    response.set('Cache-Control', 'no-store')
    next()
  })
  app.use(
    helmet({
      contentSecurityPolicy: { useDefaults: false, directives },
      strictTransportSecurity: production ? { maxAge: 31_536_000 } : false,
      referrerPolicy: { policy: 'no-referrer' },
    }),
  )
}

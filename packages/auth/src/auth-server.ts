import { bowserDevice } from '@countersign/adapters/bowser'
import { mikroOrmReader, mikroOrmSink, sqlClient } from '@countersign/adapters/mikro-orm'
import { flexibleLimiter } from '@countersign/adapters/rate-limiter-flexible'
import { auditedControllers, safeDefaults } from '@countersign/adapters/routing-controllers'
import { type AuditTrail, createAuditTrail } from '@countersign/core'
import express, { type Express, type Request } from 'express'
import helmet from 'helmet'
import { useExpressServer } from 'routing-controllers'
import 'reflect-metadata'
import { AccessTokens } from './access-tokens.js'
import { Accounts } from './accounts.js'
import { type AuthServices, provided, type SessionCookies } from './auth-services.js'
import { type AuthSettings, defaultLimits } from './auth-settings.js'
import { AuditEventsController } from './controllers/audit-events-controller.js'
import { LoginController } from './controllers/login-controller.js'
import { LoginHistoryController } from './controllers/login-history-controller.js'
import { LogoutController } from './controllers/logout-controller.js'
import { PasswordResetController } from './controllers/password-reset-controller.js'
import { SignupController } from './controllers/signup-controller.js'
import { VerifyAccountController } from './controllers/verify-account-controller.js'
import { type Database, openDatabase } from './database.js'
import { Mails } from './mails.js'
import { OneTimeTokens } from './one-time-tokens.js'
import { mountPages } from './pages.js'
import { PasswordResets } from './password-resets.js'
import { Passwords } from './passwords.js'
import { authorizationChecker } from './principals.js'
import { Secrets } from './secrets.js'
import { Sessions } from './sessions.js'

/** A running system: the app to listen with, its trail, and how to stop it. */
export interface AuthServer {
  readonly app: Express
  readonly trail: AuditTrail
  readonly services: AuthServices
  readonly database: Database
  /** Stores what is under way, and lets go of the database. Close the HTTP server first. */
  close(): Promise<void>
}

const controllers = [
  SignupController,
  VerifyAccountController,
  LoginController,
  LogoutController,
  PasswordResetController,
  LoginHistoryController,
  AuditEventsController,
] as const

/**
 * Puts the reference system together.
 *
 * @throws AuditError `STORE_UNREACHABLE`, `STORE_LOCKED`, `CONTROLLERS_INVALID`, …
 */
export async function createAuthServer(settings: AuthSettings): Promise<AuthServer> {
  const secrets = new Secrets(settings.secret)
  const database = await openDatabase(settings.database)
  const { orm } = database
  const counters = sqlClient(orm, 2)
  const reader = mikroOrmReader(orm)
  const trail = createAuditTrail({
    sink: mikroOrmSink(orm),
    limiter: flexibleLimiter({ scopes: { ...defaultLimits, ...settings.limits }, store: counters }),
    key: secrets.key('audit'),
    device: bowserDevice(),
  })
  const mails = new Mails(settings.publicUrl)
  const services = assemble(settings, secrets, database, mails, trail, reader)
  const app = express()
  app.disable('x-powered-by')
  app.use(securityHeaders(settings))
  mountPages(app, { mails, orm, production: settings.production === true })
  const classes = controllers.map((controller) => provided(controller, services))
  useExpressServer(app, {
    ...safeDefaults,
    controllers: auditedControllers(trail, classes, { proxies: settings.proxies ?? 0 }),
    authorizationChecker: authorizationChecker({
      sessions: services.sessions,
      cookieName: cookieName(settings),
      isAllowedOrigin: originPolicy(settings),
    }),
  })
  return {
    app,
    trail,
    services,
    database,
    async close() {
      await trail.close()
      await Promise.all([counters.close(), reader.close()])
      await database.close()
    },
  }
}

function assemble(
  settings: AuthSettings,
  secrets: Secrets,
  { orm }: Database,
  mails: Mails,
  trail: AuditTrail,
  reader: AuthServices['reader'],
): AuthServices {
  const passwords = new Passwords(settings.passwordPolicy)
  const tokens = new OneTimeTokens(secrets)
  const accessTokens = new AccessTokens(secrets, {
    issuer: settings.publicUrl,
    seconds: settings.accessTokenLifetime ?? 900,
  })
  const lifetimes = settings.sessionLifetimes ?? { usual: 3600, remembered: 7 * 86_400 }
  return {
    accounts: new Accounts({ orm, passwords, tokens, mails }),
    sessions: new Sessions({ orm, accessTokens, lifetimes }),
    passwordResets: new PasswordResets({ orm, tokens, mails }),
    cookies: sessionCookies(settings),
    trail,
    reader,
  }
}

/** `__Host-` ties a cookie to this host and to HTTPS; without HTTPS a browser would refuse it. */
function cookieName({ production }: AuthSettings): string {
  return production ? '__Host-at' : 'at'
}

function sessionCookies(settings: AuthSettings): SessionCookies {
  const name = cookieName(settings)
  const attributes = { httpOnly: true, secure: settings.production === true, sameSite: 'lax', path: '/' } as const
  return {
    set: (response, { accessToken, expiresIn }) =>
      response.cookie(name, accessToken, { ...attributes, maxAge: expiresIn * 1000 }),
    clear: (response) => response.clearCookie(name, attributes),
  }
}

function originPolicy({ publicUrl, production }: AuthSettings): (origin: string, request: Request) => boolean {
  const own = new URL(publicUrl).origin
  // In development the same server is reached as localhost, 127.0.0.1 and by other names.
  return (origin, request) => origin === own || (production !== true && origin === `http://${request.headers.host}`)
}

function securityHeaders({ production }: AuthSettings) {
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
  return helmet({
    contentSecurityPolicy: { useDefaults: false, directives },
    strictTransportSecurity: production ? { maxAge: 31_536_000 } : false,
    referrerPolicy: { policy: 'no-referrer' },
  })
}

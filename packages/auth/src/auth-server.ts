import { bowserDevice } from '@countersign/adapters/bowser'
import { mikroOrmReader, mikroOrmSink } from '@countersign/adapters/mikro-orm'
import { type PrometheusMetrics, prometheusMetrics } from '@countersign/adapters/prom-client'
import { auditedControllers, safeDefaults } from '@countersign/adapters/routing-controllers'
import {
  type AuditLimiter,
  type AuditMetrics,
  type AuditTrail,
  createAuditTrail,
  type FloodOptions,
} from '@countersign/core'
import { Secrets } from '@countersign/core/keys'
import { fileSpool } from '@countersign/core/spool'
import type { MikroORM } from '@mikro-orm/core'
import express, { type Express } from 'express'
import { useExpressServer } from 'routing-controllers'
import 'reflect-metadata'
import { assemble } from './assemble.js'
import { auditWork } from './audit/audit-work.js'
import { authChores } from './auth-chores.js'
import type { AuthServices } from './auth-services.js'
import type { AuthSettings } from './auth-settings.js'
import { servedControllers } from './extending/served-controllers.js'
import { attemptLimits } from './limits/attempt-limits.js'
import { authorizationChecker } from './sessions/principals.js'
import { checkSettings } from './settings/check-settings.js'
import { type Database, openDatabase } from './store/database.js'
import { Sweeper } from './store/sweeper.js'
import { allowOrigins } from './web/cross-origin.js'
import { metricsReaders } from './web/metrics-readers.js'
import { mountPages } from './web/pages.js'
import { mountProbes } from './web/probes.js'
import { type AuthControllerClass, provided } from './web/provided.js'
import { ReadinessCheck } from './web/readiness.js'
import { secureHeaders } from './web/security-headers.js'

/** A running system: the app to listen with, its trail, and how to stop it. */
export interface AuthServer {
  readonly app: Express
  readonly trail: AuditTrail
  readonly services: AuthServices
  readonly database: Database
  readonly metrics: PrometheusMetrics
  /** Begins what is done in the background: rows get their leaves, and what was asked for of the log is done, locks end. */
  start(): Promise<void>
  /** Stores what is under way, ships what the spool holds, and lets go of the database. Close the HTTP server first. */
  close(): Promise<void>
}

/**
 * Puts the reference system together.
 *
 * @throws AuditError `SETTING_INVALID` with every fault of the settings, `STORE_UNREACHABLE`, `STORE_LOCKED`, `SPOOL_INVALID`, `CONTROLLERS_INVALID`, …
 */
export async function createAuthServer(settings: AuthSettings): Promise<AuthServer> {
  checkSettings(settings)
  const controllers = servedControllers(settings)
  const secrets = new Secrets(settings.secret)
  const database = await openDatabase(settings.database, settings)
  try {
    return compose({ settings, secrets, database, controllers })
  } catch (error) {
    await database.close()
    throw error
  }
}

interface ServerParts {
  readonly settings: AuthSettings
  readonly secrets: Secrets
  readonly database: Database
  readonly controllers: readonly AuthControllerClass[]
}

interface TrailParts {
  readonly orm: MikroORM
  readonly secrets: Secrets
  readonly limiter: AuditLimiter
  readonly metrics: AuditMetrics
}

function compose({ settings, secrets, database, controllers }: ServerParts): AuthServer {
  const { orm } = database
  const limits = attemptLimits(settings, orm)
  const reader = mikroOrmReader(orm)
  const metrics = prometheusMetrics()
  const trail = openTrail(settings, { orm, secrets, limiter: limits.limiter, metrics })
  const audit = auditWork(orm, trail, settings.auditLog ?? {})
  const assembled = { ...assemble(settings, { secrets, database, trail }), trail, reader, audit }
  const sweeper = new Sweeper({
    chores: authChores({ settings, orm, services: assembled }),
    pause: 60,
    report: (message, cause) => trail.report('JOBS_FAILED', message, cause),
  })
  const services = { ...assembled, sweeper }
  const app = express()
  // Flat: no parameter of ours is an object, and none is made of brackets in its name.
  app.set('query parser', 'simple')
  secureHeaders(app, settings)
  allowOrigins(app, settings)
  services.devices.mount(app)
  mountProbes(app, {
    readiness: new ReadinessCheck({ orm, trail, spoolFolder: settings.spoolFolder }),
    metrics,
    mayReadMetrics: metricsReaders(settings),
  })
  mountPages(app, { mails: services.mails, orm, settings })
  const classes = controllers.map((controller) => provided(controller, services))
  useExpressServer(app, {
    ...safeDefaults,
    controllers: auditedControllers(trail, classes, { proxies: settings.proxies ?? 0 }),
    authorizationChecker: authorizationChecker(services.guard),
  })
  return {
    app,
    trail,
    services,
    database,
    metrics,
    start() {
      sweeper.start()
      return audit.start()
    },
    async close() {
      await sweeper.stop()
      await audit.close()
      await trail.close()
      await Promise.all([limits.close(), reader.close()])
      await database.close()
    },
  }
}

// Who is refused a few times has a row for each; who goes on and on has one for a minute.
const usualFloods: FloodOptions = { window: 60, budget: 100 }
// Nobody waits longer than this for a row: then it goes to the spool.
const patience = 2000

function openTrail(
  { spoolFolder, floods = usualFloods }: AuthSettings,
  { orm, secrets, limiter, metrics }: TrailParts,
): AuditTrail {
  return createAuditTrail({
    sink: mikroOrmSink(orm),
    // Without a spool a row is lost when nobody waits for it any more: then they wait longer.
    ...(spoolFolder === undefined ? {} : { spool: fileSpool({ folder: spoolFolder }), patience }),
    floods,
    limiter,
    metrics,
    key: secrets.key('audit'),
    device: bowserDevice(),
  })
}

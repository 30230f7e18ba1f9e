import { auditStoreMigrations, migrate, mikroOrmReader, mikroOrmSink, sqlClient } from '@countersign/adapters/mikro-orm'
import { flexibleLimiter, type LimitStore } from '@countersign/adapters/rate-limiter-flexible'
import { auditedControllers, safeDefaults } from '@countersign/adapters/routing-controllers'
import { type AuditLimiter, type AuditReader, type AuditTrail, createAuditTrail, memorySink } from '@countersign/core'
import type { MikroORM } from '@mikro-orm/core'
import type { Pool } from 'pg'
import { createExpressServer } from 'routing-controllers'
import { SessionController } from './audit-with-a-decorator.js'
import { PasswordResetController } from './audit-with-a-mixin.js'

declare const orm: MikroORM
declare const pool: Pool

await migrate(orm)
export const migrations = { migrationsList: [...auditStoreMigrations], snapshot: false }
export const limiter: AuditLimiter = flexibleLimiter({
  scopes: { login: { address: '10/min', identifier: '5/5min' }, signup: '5/min', contact: null },
})
export const stores: LimitStore[] = [pool, sqlClient(orm, 2)]
export const trail: AuditTrail = createAuditTrail({ sink: mikroOrmSink(orm) })
export const reader: AuditReader = mikroOrmReader(orm)
export const app = createExpressServer({
  ...safeDefaults,
  controllers: auditedControllers(trail, [PasswordResetController, SessionController]),
})

export const everything: AuditTrail = createAuditTrail({
  sink: memorySink({ capacity: 100 }),
  limiter,
  key: 'thirty-two bytes of a key, at the least',
  events: { login: { severity: 'high' }, file_upload: { severity: { denied: 'critical' }, version: 2 } },
  policies: {
    login: { delivery: 'awaited', unreachable: 'spool' },
    logout: { delivery: 'deferred', unreachable: 'open' },
    password_change: { delivery: 'joined', unreachable: 'closed' },
    signup: {},
  },
  transform: (row) => ({ ...row, userAgent: null }),
  veto: (row) => row.event === 'audit_read',
  device: (userAgent) => (userAgent.includes('Firefox') ? { browser: 'Firefox' } : null),
})
await everything.record('audit_prune', { actor: { type: 'service', id: 'retention' }, details: { rows: 12 } })

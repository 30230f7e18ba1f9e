import { sqlClient } from '@countersign/adapters/mikro-orm'
import { flexibleLimiter } from '@countersign/adapters/rate-limiter-flexible'
import type { AuditLimiter } from '@countersign/core'
import type { MikroORM } from '@mikro-orm/core'
import { type AuthSettings, defaultLimits } from '../auth-settings.js'
import { withDefaults } from '../settings/with-defaults.js'

/** Who counts the attempts, and what to let go of afterwards. */
export interface AttemptLimits {
  readonly limiter: AuditLimiter
  close(): Promise<void>
}

/** Counts in Redis where there is one, and goes on without it; else in the database. */
export function attemptLimits({ limits, redis }: AuthSettings, orm: MikroORM): AttemptLimits {
  const scopes = withDefaults(defaultLimits, limits)
  if (redis) return { limiter: flexibleLimiter({ scopes, store: redis }), close: async () => undefined }
  const store = sqlClient(orm, 2)
  // Nothing works without the database: as patient as its other clients, and back with its first answer.
  const limiter = flexibleLimiter({ scopes, store, unreachable: 'refuse', patience: 5000, pause: 0 })
  return { limiter, close: store.close }
}

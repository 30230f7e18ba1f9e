import type { AuditSignal } from '@countersign/core'
import { defineEntity, type MikroORM, p } from '@mikro-orm/core'

/** An address that someone should look at; it is noted once. */
export const Alert = defineEntity({
  name: 'Alert',
  properties: { address: p.string().primary(), reason: p.string() },
})

/**
 * A subscriber that writes to the trail's own database. It runs in nobody's request and nobody's
 * transaction, so it forks an EntityManager. For an address that is noted already the write fails.
 */
export function writes(orm: MikroORM) {
  return async ({ row }: AuditSignal): Promise<void> => {
    await orm.em.fork().insert(Alert, { address: row.address ?? 'unknown', reason: row.reason ?? 'none' })
  }
}

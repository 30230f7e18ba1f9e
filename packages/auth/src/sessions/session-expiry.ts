import type { AuditTrail } from '@countersign/core'
import type { MikroORM } from '@mikro-orm/core'
import type { SqlEntityManager } from '@mikro-orm/postgresql'
import type { Chore } from '../store/sweeper.js'

// So many at once that a row for each does not keep the database busy.
const batch = 200
const daysKept = 30

/** Ends the sessions whose time is over, and leaves a row for each: one, whichever process does it. */
export function sessionExpiry(orm: MikroORM, trail: Pick<AuditTrail, 'record'>): Chore {
  return {
    name: 'session expiry',
    async run() {
      for (;;) {
        const ended = await (orm.em.fork() as SqlEntityManager).execute<Array<{ id: string; user_id: string }>>(
          `update auth_session set ended_at = least(expires_at, idle_until) where id in (
             select id from auth_session where ended_at is null and least(expires_at, idle_until) <= now()
             order by least(expires_at, idle_until) limit ${batch} for update skip locked)
           returning id, user_id`,
        )
        for (const { id, user_id } of ended) {
          await trail.record('session_expire', {
            actor: { type: 'service', id: 'session-expiry' },
            subject: { type: 'user', id: user_id },
            session: id,
          })
        }
        if (ended.length < batch) return
      }
    },
  }
}

/** Forgets what is worth nothing any more: refresh tokens that are too old, and sessions a month after their end. */
export function sessionPruning(orm: MikroORM): Chore {
  return {
    name: 'session pruning',
    async run() {
      const em = orm.em.fork() as SqlEntityManager
      await em.execute('delete from auth_refresh_token where expires_at < now()')
      await em.execute(`delete from auth_session where ended_at < now() - interval '${daysKept} days'`)
    },
  }
}

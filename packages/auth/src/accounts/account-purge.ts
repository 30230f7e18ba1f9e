import type { AuditTrail } from '@countersign/core'
import type { MikroORM } from '@mikro-orm/core'
import type { SqlEntityManager } from '@mikro-orm/postgresql'
import type { Chore } from '../store/sweeper.js'

/**
 * Deletes accounts that were never verified within so many days, each with a row; not while a link
 * to verify one works. Whoever signs up with the address later finds nothing of the one before.
 */
export function accountPurge(orm: MikroORM, trail: AuditTrail, days: number): Chore {
  return {
    name: 'never verified accounts',
    async run() {
      const gone = await (orm.em.fork() as SqlEntityManager).execute<Array<{ id: string }>>(
        `delete from auth_user where id in (
           select id from auth_user as old
           where verified_at is null and disabled_at is null and created_at < now() - make_interval(days => ?)
             and not exists (
               select from auth_one_time_token
               where user_id = old.id and purpose = 'verify-account' and used_at is null and expires_at > now())
           order by id limit 500 for update skip locked)
         returning id`,
        [days],
      )
      for (const { id } of gone) {
        await trail.record('data_deletion', {
          actor: { type: 'service', id: 'account_purge' },
          subject: { type: 'user', id },
          details: { cause: 'never_verified' },
        })
      }
    },
  }
}

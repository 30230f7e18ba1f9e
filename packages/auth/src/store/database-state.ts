import type { MikroORM } from '@mikro-orm/core'
import type { SqlEntityManager } from '@mikro-orm/postgresql'
import type { ShortLivedState } from './short-lived-state.js'

/**
 * Short-lived state in the table `auth_short_lived`. Every method is one statement of its own, and
 * must not be called inside a transaction: the embedded database has one connection.
 */
export function databaseState(orm: MikroORM): ShortLivedState {
  const run = <Row>(statement: string, parameters: unknown[]): Promise<Row[]> =>
    (orm.em.fork() as SqlEntityManager).execute<Row[]>(statement, parameters)
  return {
    async put(key, value, seconds) {
      // Whoever adds a row takes old ones away: the table needs no sweeper, and never grows.
      await run(
        `with old as (select key from auth_short_lived where expires_at <= now() and key <> ?
                      order by expires_at limit 20 for update skip locked),
              gone as (delete from auth_short_lived where key in (select key from old))
         insert into auth_short_lived (key, value, expires_at) values (?, ?, now() + make_interval(secs => ?))
         on conflict (key) do update set value = excluded.value, counted = 0, expires_at = excluded.expires_at`,
        [key, key, value, seconds],
      )
    },
    async get(key) {
      const [found] = await run<{ value: string | null }>(
        'select value from auth_short_lived where key = ? and expires_at > now()',
        [key],
      )
      return found?.value ?? null
    },
    async take(key) {
      const [taken] = await run<{ value: string | null; alive: boolean }>(
        'delete from auth_short_lived where key = ? returning value, expires_at > now() as alive',
        [key],
      )
      return taken?.alive ? taken.value : null
    },
    async count(key, seconds) {
      const [row] = await run<{ counted: number }>(
        `insert into auth_short_lived as kept (key, counted, expires_at)
         values (?, 1, now() + make_interval(secs => ?))
         on conflict (key) do update set
           counted = case when kept.expires_at > now() then kept.counted + 1 else 1 end,
           expires_at = case when kept.expires_at > now() then kept.expires_at else excluded.expires_at end
         returning counted`,
        [key, seconds],
      )
      return row?.counted ?? 1
    },
    async drop(key) {
      await run('delete from auth_short_lived where key = ?', [key])
    },
  }
}

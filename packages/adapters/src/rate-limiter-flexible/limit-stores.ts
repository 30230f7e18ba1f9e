import { AuditError } from '@countersign/core'
import { type RateLimiterAbstract, RateLimiterPostgres, RateLimiterRedis } from 'rate-limiter-flexible'
import type { Window } from './scope-limits.js'

/** The part of a database client that counting needs: `pg.Pool`, `PGlite` and `sqlClient(orm)` have it. */
export interface LimitStore {
  /** Answers with the rows, or with an object that has them. */
  query(
    text: string,
    // As the drivers declare it.
    values: any[],
  ): Promise<readonly unknown[] | { readonly rows: readonly unknown[] }>
}

/** The part of a Redis or Valkey client that counting needs: those of `ioredis` and `iovalkey` have it. */
export interface RedisLimitStore {
  /** What the connection is up to: `ready`, `reconnecting`, … */
  readonly status: string
  /** Adds a command that is a script, which runs as one atomic step. */
  defineCommand(name: string, definition: { lua: string; numberOfKeys?: number }): void
  del(key: string): Promise<number>
}

/** The table that counting in a database needs. */
export const limitTable = `create table if not exists audit_limit (
  key varchar(255) primary key,
  points integer not null default 0,
  expire bigint
)`

/** A place to count in that processes share. */
export interface SharedStore {
  readonly name: string
  counter(name: string, window: Window): RateLimiterAbstract
  /** Throws where asking is known to be in vain. */
  assertConnected(): void
}

/** @throws AuditError `SETTING_INVALID` */
export function sharedStore(store: LimitStore | RedisLimitStore): SharedStore {
  if (typeof (store as Partial<LimitStore> | null)?.query === 'function') return inDatabase(store as LimitStore)
  if (typeof (store as Partial<RedisLimitStore> | null)?.defineCommand === 'function')
    return inRedis(store as RedisLimitStore)
  throw new AuditError(
    'SETTING_INVALID',
    'The store of flexibleLimiter is neither a database nor a Redis client. Write: store: sqlClient(orm, 2), or store: new Redis(url) with ioredis or iovalkey',
  )
}

function inDatabase(store: LimitStore): SharedStore {
  const storeClient = {
    async query({ text, values = [] }: { text: string; values?: unknown[] }) {
      const answer = await store.query(text, values)
      const rows = ('rows' in answer ? answer.rows : answer).map(asNumbers)
      return { rows, rowCount: rows.length }
    },
  }
  return {
    name: 'database',
    assertConnected: () => undefined,
    counter: (keyPrefix, { points, seconds }) =>
      new RateLimiterPostgres({
        keyPrefix,
        points,
        duration: seconds,
        storeClient,
        storeType: 'client',
        tableName: 'audit_limit',
        tableCreated: true,
      }),
  }
}

/** PostgreSQL hands out a bigint as text. */
function asNumbers(row: unknown): unknown {
  const { points, expire } = row as { points?: unknown; expire?: unknown }
  return points === undefined ? row : { points: Number(points), expire: expire === null ? null : Number(expire) }
}

const disconnected: ReadonlySet<string> = new Set(['reconnecting', 'close', 'end'])

function inRedis(store: RedisLimitStore): SharedStore {
  return {
    name: 'Redis',
    // The client would keep the command, and count it when the attempt was counted elsewhere long ago.
    assertConnected() {
      if (!disconnected.has(store.status)) return
      throw Object.assign(new Error(`The client of the limits is not connected (${store.status}).`), {
        code: 'NOT_CONNECTED',
      })
    },
    counter: (name, { points, seconds }) =>
      new RateLimiterRedis({
        keyPrefix: `countersign:${name}`,
        points,
        duration: seconds,
        storeClient: store,
        useRedisPackage: false,
      }),
  }
}

import { createHash } from 'node:crypto'
import { AuditError, type AuditLimiter, type LimitedBy, type Reservation } from '@countersign/core'
import ipaddr from 'ipaddr.js'
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible'
import { type ScopeLimits, type Window, windowsOf } from './scope-limits.js'

/** The part of a database client that counting needs: `pg.Pool`, `PGlite` and `sqlClient(orm)` have it. */
export interface LimitStore {
  /** Answers with the rows, or with an object that has them. */
  query(
    text: string,
    // As the drivers declare it.
    values: any[],
  ): Promise<readonly unknown[] | { readonly rows: readonly unknown[] }>
}

/** What {@link flexibleLimiter} counts, and where. */
export interface FlexibleLimiterOptions {
  /** `{ login: '10/min' }`, `{ login: { address: '10/min', failures: '5/5min' } }`, or null to switch a scope off. */
  readonly scopes: ScopeLimits
  /** Where to count. In this process unless given; a database lets any number of processes share. */
  readonly store?: LimitStore
}

/** The table that counting in a database needs. */
export const limitTable = `create table if not exists audit_limit (
  key varchar(255) primary key,
  points integer not null default 0,
  expire bigint
)`

/**
 * Counts attempts with rate-limiter-flexible: each is reserved by one atomic step before it is made.
 *
 * @throws AuditError `LIMIT_INVALID`, `SETTING_INVALID`
 * @example
 * const limiter = flexibleLimiter({ scopes: { login: { address: '10/min', failures: '5/5min' }, signup: '5/min' } })
 */
export function flexibleLimiter(options: FlexibleLimiterOptions): AuditLimiter {
  const { scopes, store } = options ?? {}
  if (store !== undefined && typeof store?.query !== 'function') {
    throw new AuditError(
      'SETTING_INVALID',
      'The store of flexibleLimiter has no query(). Write: store: sqlClient(orm, 2)',
    )
  }
  const counters = new Map<string, Map<LimitedBy, Counter>>()
  for (const [scope, windows] of windowsOf(scopes)) {
    const byRespect = new Map<LimitedBy, Counter>()
    for (const [by, window] of windows) byRespect.set(by, counter(`${scope}:${by}`, window, store))
    counters.set(scope, byRespect)
  }
  function find(scope: string, by: LimitedBy): Counter | undefined {
    const byRespect = counters.get(scope)
    if (byRespect) return byRespect.get(by)
    throw new AuditError(
      'SCOPE_UNKNOWN',
      `The limiter knows no scope '${scope}'. Write: flexibleLimiter({ scopes: { ${scope}: '10/min' } }), or null to switch it off.`,
    )
  }
  return {
    name: store ? 'rate-limiter-flexible (database)' : 'rate-limiter-flexible (memory)',
    scopes: new Set(Object.keys(scopes)),
    async reserve(scope, by, key) {
      const found = find(scope, by)
      return found ? reserve(found, keyOf(by, key)) : null
    },
    async clear(scope, by, key) {
      await find(scope, by)?.limiter.delete(keyOf(by, key))
    },
  }
}

interface Counter {
  readonly limiter: RateLimiterAbstract
  readonly window: Window
}

function counter(keyPrefix: string, window: Window, store: LimitStore | undefined): Counter {
  const options = { keyPrefix, points: window.points, duration: window.seconds }
  if (!store) {
    assertTimed(keyPrefix, window)
    return { limiter: new RateLimiterMemory(options), window }
  }
  const storeClient = {
    async query({ text, values = [] }: { text: string; values?: unknown[] }) {
      const answer = await store.query(text, values)
      const rows = ('rows' in answer ? answer.rows : answer).map(asNumbers)
      return { rows, rowCount: rows.length }
    },
  }
  const limiter = new RateLimiterPostgres({
    ...options,
    storeClient,
    storeType: 'client',
    tableName: 'audit_limit',
    tableCreated: true,
  })
  return { limiter, window }
}

// What setTimeout can wait, in seconds; a longer window would end at once.
const longestTimer = 2_147_483

function assertTimed(name: string, { seconds }: Window): void {
  if (seconds <= longestTimer) return
  throw new AuditError(
    'LIMIT_INVALID',
    `The window of '${name}' is longer than 24 days, which can't be counted in memory. Give flexibleLimiter a store.`,
  )
}

/** PostgreSQL hands out a bigint as text. */
function asNumbers(row: unknown): unknown {
  const { points, expire } = row as { points?: unknown; expire?: unknown }
  return points === undefined ? row : { points: Number(points), expire: expire === null ? null : Number(expire) }
}

async function reserve({ limiter, window }: Counter, key: string): Promise<Reservation> {
  try {
    return reservation(true, window, await limiter.consume(key))
  } catch (refusal) {
    if (refusal instanceof RateLimiterRes) return reservation(false, window, refusal)
    throw refusal
  }
}

function reservation(
  allowed: boolean,
  { points, seconds }: Window,
  { remainingPoints, msBeforeNext }: RateLimiterRes,
): Reservation {
  return {
    allowed,
    limit: points,
    remaining: Math.max(0, remainingPoints),
    // A fraction rounded down would invite an attempt that is refused.
    resetAfter: Math.max(1, Math.ceil(msBeforeNext / 1000)),
    window: seconds,
  }
}

/** Who rotates addresses inside one network is one client: IPv6 counts by /64 (RFC 4291). */
function keyOf(by: LimitedBy, key: string): string {
  const folded = by === 'address' ? foldAddress(key) : key
  return folded.length <= 100 ? folded : createHash('sha256').update(folded).digest('base64url')
}

function foldAddress(text: string): string {
  if (!ipaddr.isValid(text)) return text
  const address = ipaddr.process(text)
  if (address.kind() === 'ipv4') return address.toString()
  return `${(address as ipaddr.IPv6).parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`
}

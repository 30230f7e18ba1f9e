import { AuditError, type AuditLimiter, type LimitedBy } from '@countersign/core'
import { type Counting, memoryCounter } from './counter.js'
import { limitKey } from './limit-key.js'
import { type LimitStore, type RedisLimitStore, sharedStore } from './limit-stores.js'
import { type ScopeLimits, windowsOf } from './scope-limits.js'
import { SharedCounters, type Unreachability, unreachability } from './shared-counters.js'

/** What {@link flexibleLimiter} counts, and where. */
export interface FlexibleLimiterOptions extends Unreachability {
  /** `{ login: '10/min' }`, `{ login: { address: '10/min', failures: '5/5min' } }`, or null to switch a scope off. */
  readonly scopes: ScopeLimits
  /**
   * Where to count. In this process unless given. A client of a database, or one of Redis or Valkey
   * (`ioredis`, `iovalkey`), lets any number of processes share; it stays yours to close.
   */
  readonly store?: LimitStore | RedisLimitStore
}

/**
 * Counts attempts with rate-limiter-flexible: each is reserved by one atomic step before it is made.
 *
 * @throws AuditError `LIMIT_INVALID`, `SETTING_INVALID`; `LIMITER_FAILED` of an attempt, where `unreachable` is `refuse`
 * @example
 * const limiter = flexibleLimiter({ scopes: { login: { address: '10/min', failures: '5/5min' }, signup: '5/min' } })
 */
export function flexibleLimiter(options: FlexibleLimiterOptions): AuditLimiter {
  const { scopes, store, ...rest } = options ?? {}
  const reaction = unreachability(rest)
  const shared = store === undefined ? undefined : sharedStore(store)
  const counters = shared && new SharedCounters(shared, reaction)
  const scopesByName = new Map<string, Map<LimitedBy, Counting>>()
  for (const [scope, windows] of windowsOf(scopes)) {
    const byRespect = new Map<LimitedBy, Counting>()
    for (const [by, window] of windows) {
      const name = `${scope}:${by}`
      byRespect.set(by, counters ? counters.counter(name, window) : memoryCounter(name, window))
    }
    scopesByName.set(scope, byRespect)
  }
  function find(scope: string, by: LimitedBy): Counting | undefined {
    const byRespect = scopesByName.get(scope)
    if (byRespect) return byRespect.get(by)
    throw new AuditError(
      'SCOPE_UNKNOWN',
      `The limiter knows no scope '${scope}'. Write: flexibleLimiter({ scopes: { ${scope}: '10/min' } }), or null to switch it off.`,
    )
  }
  return {
    name: `rate-limiter-flexible (${shared?.name ?? 'memory'})`,
    scopes: new Set(Object.keys(scopes)),
    async reserve(scope, by, key) {
      const counter = find(scope, by)
      return counter ? counter.reserve(limitKey(by, key)) : null
    },
    async clear(scope, by, key) {
      await find(scope, by)?.clear(limitKey(by, key))
    },
    ...(counters ? { watch: (listener) => counters.watch(listener) } : {}),
  }
}

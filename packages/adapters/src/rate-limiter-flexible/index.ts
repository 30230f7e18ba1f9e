export { type FlexibleLimiterOptions, flexibleLimiter } from './flexible-limiter.js'
export { type LimitStore, limitTable, type RedisLimitStore } from './limit-stores.js'
export type { Limit, ScopeLimit, ScopeLimits } from './scope-limits.js'
export type { Unreachability } from './shared-counters.js'

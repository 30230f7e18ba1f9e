export { type FlexibleLimiterOptions, flexibleLimiter, type LimitStore, limitTable } from './flexible-limiter.js'
export type { Limit, ScopeLimit, ScopeLimits } from './scope-limits.js'

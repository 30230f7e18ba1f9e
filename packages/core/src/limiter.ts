import type { DegradationListener } from './degradation.js'

/**
 * What a scope counts: the attempts from a client's address, the attempts at a submitted
 * identifier, or its failures, which a success clears.
 */
export type LimitedBy = 'address' | 'identifier' | 'failures'

/** A refusal by a throttle, as it stands in the row and as a `throttled(hit)` hook receives it. */
export interface Throttling {
  readonly scope: string
  readonly by: LimitedBy
  /** How many attempts the window allows. */
  readonly limit: number
  /** Whole seconds until the next attempt is worth making, at least 1. */
  readonly retryAfter: number
}

/** The outcome of a reservation. */
export interface Reservation {
  readonly allowed: boolean
  readonly limit: number
  /** Attempts left in this window after this one. */
  readonly remaining: number
  /** Whole seconds until the window ends, rounded up. */
  readonly resetAfter: number
  /** How long the window is, in whole seconds. */
  readonly window: number
}

/**
 * Who counts attempts. An attempt is reserved before it is made, by one atomic step, so that
 * parallel attempts in any number of processes never exceed the limit.
 */
export interface AuditLimiter {
  readonly name: string
  /** The scopes it was configured with, switched-off ones included. */
  readonly scopes: ReadonlySet<string>
  /** Counts one attempt; `null` when nothing limits this scope in this respect. */
  reserve(scope: string, by: LimitedBy, key: string): Promise<Reservation | null>
  /** Forgets what was counted: a success clears the failures of its identifier. */
  clear(scope: string, by: LimitedBy, key: string): Promise<void>
  /**
   * Tells when what it counts in is away, and when it is back; returns what ends the watch. A trail
   * watches its limiter until it is closed, and records both as events.
   */
  watch?(listener: DegradationListener): () => void
}

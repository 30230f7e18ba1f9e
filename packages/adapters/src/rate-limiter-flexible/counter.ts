import { AuditError, type Reservation } from '@countersign/core'
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { Window } from './scope-limits.js'

/** One limit: so many attempts of a key in so many seconds. */
export interface Counting {
  reserve(key: string): Promise<Reservation>
  clear(key: string): Promise<void>
}

/** A limit that one of the library's limiters keeps. */
export class Counter implements Counting {
  readonly #window: Window
  readonly #limiter: RateLimiterAbstract

  constructor(limiter: RateLimiterAbstract, window: Window) {
    this.#limiter = limiter
    this.#window = window
  }

  async reserve(key: string): Promise<Reservation> {
    try {
      return reservation(true, this.#window, await this.#limiter.consume(key))
    } catch (refusal) {
      if (refusal instanceof RateLimiterRes) return reservation(false, this.#window, refusal)
      throw refusal
    }
  }

  async clear(key: string): Promise<void> {
    await this.#limiter.delete(key)
  }
}

// What setTimeout can wait, in seconds; a longer window would end at once.
const longestTimer = 2_147_483

/** @throws AuditError `LIMIT_INVALID` for a window that memory can't keep */
export function memoryCounter(name: string, window: Window): Counter {
  if (window.seconds <= longestTimer) return insurance(name, window)
  throw new AuditError(
    'LIMIT_INVALID',
    `The window of '${name}' is longer than 24 days, which can't be counted in memory. Give flexibleLimiter a store.`,
  )
}

/** Counts in memory while a store is away, which no outage is for longer than a timer can be. */
export function insurance(keyPrefix: string, window: Window): Counter {
  const duration = Math.min(window.seconds, longestTimer)
  return new Counter(new RateLimiterMemory({ keyPrefix, points: window.points, duration }), window)
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

import { AuditError } from './audit-error.js'
import type { Throttling } from './limiter.js'

/**
 * A refusal by a throttle. Frameworks that look for `httpCode`, `statusCode` or `status` on an
 * error answer 429 with it.
 */
export class Throttled extends AuditError {
  readonly httpCode = 429
  readonly reason = 'throttled'
  readonly hit: Throttling
  /** What the controller's `throttled(hit)` hook wants to be answered instead of the default. */
  readonly body: unknown

  constructor(hit: Throttling, body?: unknown) {
    super('THROTTLED', `Too many attempts. Try again in ${hit.retryAfter} second(s).`)
    this.hit = hit
    this.body = body
  }
}

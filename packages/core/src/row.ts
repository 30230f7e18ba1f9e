import type { Hop } from './context.js'
import type { EventDetails, EventName, Outcome, Severity } from './events.js'
import type { Actor, Attempted, Subject } from './identity.js'

/** What a user agent says about the device; all of it is the client's claim. */
export interface Device {
  readonly browser?: string
  readonly os?: string
  readonly type?: string
}

/** A closed attempt as it is stored: plain data, without secrets, bounded, safe to print. */
export interface AuditRow<Event extends EventName = EventName> {
  /** UUIDv7, made when the attempt began; replays are recognised by it. */
  readonly id: string
  readonly occurredAt: Date
  readonly event: Event
  readonly eventVersion: number
  readonly outcome: Outcome
  readonly reason: string | null
  readonly severity: Severity
  readonly actor: Actor
  readonly onBehalfOf: Actor | null
  readonly subject: Subject | null
  readonly attempted: Attempted | null
  readonly className: string | null
  readonly methodName: string | null
  readonly tenant: string | null
  /** A keyed hash, never the identifier itself. */
  readonly sessionId: string | null
  readonly requestId: string | null
  /** An IP address. */
  readonly address: string | null
  readonly proxies: readonly Hop[] | null
  readonly userAgent: string | null
  readonly device: Device | null
  readonly httpMethod: string | null
  readonly route: string | null
  readonly status: number | null
  readonly durationMs: number
  /** The throttle that refused, its limit and the seconds to wait. */
  readonly scope: string | null
  readonly limit: number | null
  readonly retryAfter: number | null
  /** Any of them may be missing: an attempt can be refused before its arguments are known. */
  readonly details: Readonly<Partial<EventDetails<Event>>>
  /**
   * How many denials the row stands for, between `firstAt` and `lastAt`: 1 for one that got a row of
   * its own, more for the summary of a flood. Null on rows of other outcomes, and on all of them where
   * the trail has no `floods`; a `transform` may set it.
   */
  readonly repeatCount: number | null
  readonly firstAt: Date | null
  readonly lastAt: Date | null
  /** When the personal fields were erased. */
  readonly erasedAt: Date | null
}

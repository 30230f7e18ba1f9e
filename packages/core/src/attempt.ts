import { currentFlow } from './context.js'
import type { EventDetails, EventName, Outcome } from './events.js'
import { type Actor, type ActorLike, type Subject, textOf, toActor } from './identity.js'
import type { Throttling } from './limiter.js'
import type { AuditReason } from './reasons.js'
import { rowId } from './row-id.js'

/**
 * One try at one event. The throttle, the guards, the mixin, the decorator and the handler write
 * to it; the outermost layer closes it once, and the trail makes a row of it.
 */
export class Attempt {
  readonly event: EventName
  readonly openedAt: number = Date.now()
  readonly id: string = rowId(this.openedAt)
  readonly startedAt: number = performance.now()
  actor: Actor | null = null
  onBehalfOf: Actor | null = null
  subject: Subject | null = null
  /** As typed; it becomes a keyed hash and a masked form when the row is made. */
  attempted: string | null = null
  sessionId: string | null = null
  details: Record<string, unknown> | null = null
  reason: string | null = null
  outcome: Outcome | null = null
  throttling: Throttling | null = null
  /** What the audited code itself threw; a response may still hide it. */
  error: unknown = undefined
  /** True when the handler runs in a transaction with its row. */
  joining = false
  /** True when that transaction has stored its row. */
  recorded = false
  /** True when that transaction was rolled back: whatever the response says, nothing of it remains. */
  undone = false

  constructor(event: EventName) {
    this.event = event
  }
}

/** What code inside an audited call can say about the attempt. All of it is optional. */
export interface AttemptHandle<Event extends EventName> {
  /** Who did it, where the controller's `actor` source can't know yet (a login). */
  actor(actor: ActorLike): this
  /** In whose name, when somebody is impersonated. */
  onBehalfOf(actor: ActorLike): this
  /** Who or what it was done to. */
  subject(subject: Subject): this
  /** The identifier that was typed; stored as a keyed hash and a masked form. */
  attempted(identifier: string): this
  /** The session it belongs to; stored as a keyed hash. */
  session(id: string): this
  /** Adds to the details of the event. */
  details(details: Partial<EventDetails<Event>>): this
  /** Why it does not succeed, by a name of `AuditReasons`. */
  reason(reason: AuditReason): this
  /** The true outcome where the response may not tell it (a neutral answer to an unknown address). */
  outcome(outcome: Outcome, reason?: AuditReason): this
}

class Handle<Event extends EventName> implements AttemptHandle<Event> {
  readonly #attempts: readonly Attempt[]

  constructor(attempts: readonly Attempt[]) {
    this.#attempts = attempts
  }

  #each(change: (attempt: Attempt) => void): this {
    for (const attempt of this.#attempts) change(attempt)
    return this
  }

  actor(actor: ActorLike): this {
    const named = toActor(actor)
    return this.#each((attempt) => {
      attempt.actor = named
    })
  }

  onBehalfOf(actor: ActorLike): this {
    const named = toActor(actor)
    return this.#each((attempt) => {
      attempt.onBehalfOf = named
    })
  }

  subject(subject: Subject): this {
    const id = textOf(subject?.id)
    return this.#each((attempt) => {
      attempt.subject = id === null ? null : { type: subject.type, id }
    })
  }

  attempted(identifier: string): this {
    return this.#each((attempt) => {
      attempt.attempted = identifier
    })
  }

  session(id: string): this {
    return this.#each((attempt) => {
      attempt.sessionId = id
    })
  }

  details(details: Partial<EventDetails<Event>>): this {
    return this.#each((attempt) => {
      attempt.details = { ...attempt.details, ...details }
    })
  }

  reason(reason: AuditReason): this {
    return this.#each((attempt) => {
      attempt.reason = reason
    })
  }

  outcome(outcome: Outcome, reason?: AuditReason): this {
    return this.#each((attempt) => {
      attempt.outcome = outcome
      if (reason !== undefined) attempt.reason = reason
    })
  }
}

/**
 * The attempt that is being made: with a name the innermost of that event, without one all that
 * the running call has open. Outside of an audited call it takes everything and records nothing,
 * so that a service can be used with and without an audit.
 *
 * @example
 * currentAttempt('login').subject({ type: 'user', id: user.id }).reason('bad_credentials')
 */
export function currentAttempt<Event extends EventName = never>(event?: Event): AttemptHandle<Event> {
  let call = currentFlow()?.call
  if (event === undefined) return new Handle(call?.attempts ?? [])
  for (; call; call = call.parent) {
    const attempt = call.attempts.findLast((candidate) => candidate.event === event)
    if (attempt) return new Handle([attempt])
  }
  return new Handle([])
}

/**
 * Names the actor of the running attempt: an actor, or an entity with an `id`.
 *
 * @example
 * const user = await sessions.open(body)
 * actAs(user)
 */
export function actAs(actor: ActorLike): void {
  currentAttempt().actor(actor)
}

import { type AuditRow, catalogue } from '@countersign/core'

type Where = 'store' | 'spool'

/** How many rows of an event there were, by outcome and place. */
export interface EventCounts {
  readonly event: string
  lost: number
  readonly stored: { readonly [Place in Where]: Map<string, number> }
}

/** Counts rows by event. The number of events is bounded: the rest of them count as `other`. */
export class RowCounts {
  readonly #maxEvents: number
  readonly #events = new Map<string, EventCounts>()
  readonly #others: EventCounts = none('other')

  constructor(maxEvents: number) {
    this.#maxEvents = maxEvents
    // A counter that is there from the start shows its first increase, too.
    for (const event of Object.keys(catalogue)) this.#of(event)
  }

  *[Symbol.iterator](): Generator<EventCounts> {
    yield* this.#events.values()
    yield this.#others
  }

  stored({ event, outcome }: AuditRow, where: Where): void {
    const counts = this.#of(event).stored[where]
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  }

  lost({ event }: AuditRow): void {
    this.#of(event).lost++
  }

  #of(event: string): EventCounts {
    const known = this.#events.get(event)
    if (known) return known
    if (this.#events.size >= this.#maxEvents) return this.#others
    const counts = none(event)
    this.#events.set(event, counts)
    return counts
  }
}

function none(event: string): EventCounts {
  return { event, lost: 0, stored: { store: new Map(), spool: new Map() } }
}

import type { FloodTally } from './flood-ledger.js'
import { alsoTrueOf } from './flood-summary.js'
import type { AuditRow } from './row.js'
import { rowId } from './row-id.js'

/** One flood: the repeats of a denial that have no row yet, and how many of them the ledger has. */
export class FloodCount {
  readonly closesAt: Date
  count = 0
  /** How many the ledger is known to have. */
  kept = 0
  /** True once the ledger was sent some: it may have more than is known. */
  wasSent = false
  isOpen = true
  #summary: AuditRow
  #firstAt: Date
  #lastAt: Date

  constructor(summary: AuditRow, closesAt: number) {
    this.#summary = summary
    this.#firstAt = summary.occurredAt
    this.#lastAt = summary.occurredAt
    this.closesAt = new Date(closesAt)
  }

  get unsaved(): number {
    return this.count - this.kept
  }

  add(row: AuditRow): void {
    this.count++
    if (row.occurredAt < this.#firstAt) this.#firstAt = row.occurredAt
    if (row.occurredAt > this.#lastAt) this.#lastAt = row.occurredAt
    this.#summary = alsoTrueOf(row, this.#summary)
  }

  /** Its summary as it stands. */
  get row(): AuditRow {
    return this.#rowOf(this.#summary.id, this.count)
  }

  get tally(): FloodTally {
    return { row: this.row, closesAt: this.closesAt }
  }

  /** What so many do not stand for yet, as a row of its own; none where they are all. */
  restBeyond(counted: number): AuditRow[] {
    return this.count > counted ? [this.#rowOf(rowId(), this.count - counted)] : []
  }

  #rowOf(id: string, repeatCount: number): AuditRow {
    return Object.freeze({ ...this.#summary, id, repeatCount, firstAt: this.#firstAt, lastAt: this.#lastAt })
  }
}

import type { ErasedRow } from './log-record.js'
import type { ErasureReceipt, Receipt, RetentionReceipt } from './receipt.js'

/** What signed receipts allow: rows without their personal fields, and leaves without their row. */
export class LawfulChanges {
  readonly #horizons: string[] = []
  readonly #subjects = new Map<string, string>()
  readonly #rows = new Set<string>()
  readonly #ranges: RetentionReceipt[] = []
  /** Rows that each retention took, as far as they were met. */
  readonly #taken = new Map<RetentionReceipt, number>()

  /** One that comes while the log is read counts for what follows it. */
  allow(receipt: Receipt): void {
    if (receipt.kind === 'retention') this.#ranges.push(receipt)
    else if (receipt.kind === 'erasure') this.#allowErasure(receipt)
  }

  /** Whether a receipt says that this row's personal fields were erased. */
  allowErasureOf({ id, actor, subject }: ErasedRow): boolean {
    if (this.#rows.has(id) || this.#horizons.some((before) => id < before)) return true
    const whose = [actor.id === undefined ? null : actor, subject]
    return whose.some((person) => person !== null && id < (this.#subjects.get(nameOf(person as Person)) ?? ''))
  }

  /**
   * Whether a receipt says that this row was taken away with its partition: only as often as it says, and only a row
   * that had its leaf by then. Others, which came late to the month, could be taken in the place of some put back.
   */
  allowRemovalOf(rowId: string, index: number): boolean {
    // A month that rows came late to was taken away more than once.
    const range = this.#ranges.find(
      (one) => rowId >= one.from && rowId < one.to && index < one.size && this.#takenBy(one) < one.rows,
    )
    if (!range) return false
    this.#taken.set(range, this.#takenBy(range) + 1)
    return true
  }

  #takenBy(range: RetentionReceipt): number {
    return this.#taken.get(range) ?? 0
  }

  #allowErasure({ subject, before, row_ids: ids }: ErasureReceipt): void {
    for (const id of ids) this.#rows.add(id)
    if (subject === null) {
      if (ids.length === 0) this.#horizons.push(before)
      return
    }
    const name = nameOf(subject)
    if (before > (this.#subjects.get(name) ?? '')) this.#subjects.set(name, before)
  }
}

interface Person {
  readonly type: string
  readonly id: string
}

function nameOf({ type, id }: Person): string {
  return JSON.stringify([type, id])
}

import type { AuditRow } from './row.js'

/**
 * Remembers which rows came last, for a sink that can't ask its store whether a row is there
 * already. What is remembered is bounded: at least `capacity` ids, at most twice as many.
 *
 * @example
 * const recent = new RecentIds()
 * const rows = recent.unseen([row, row]) // one row; write it, then:
 * recent.remember(rows)
 */
export class RecentIds {
  readonly #capacity: number
  // Two generations: dropping the older one whole costs nothing.
  #ids = new Set<string>()
  #older = new Set<string>()

  constructor(capacity: number = 10_000) {
    this.#capacity = capacity
  }

  /** The rows that are not remembered, each once. */
  unseen(rows: readonly AuditRow[]): AuditRow[] {
    const unseen = new Map<string, AuditRow>()
    for (const row of rows) {
      if (!this.#ids.has(row.id) && !this.#older.has(row.id)) unseen.set(row.id, row)
    }
    return [...unseen.values()]
  }

  /** To be called when the rows are written: what failed may come again. */
  remember(rows: readonly AuditRow[]): void {
    for (const { id } of rows) {
      this.#ids.add(id)
      if (this.#ids.size < this.#capacity) continue
      this.#older = this.#ids
      this.#ids = new Set()
    }
  }
}

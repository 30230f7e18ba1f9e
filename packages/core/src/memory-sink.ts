import { type AuditPage, type AuditQuery, type AuditReader, checkQuery } from './reader.js'
import type { AuditRow } from './row.js'
import { timeOfRowId } from './row-id.js'
import type { AuditSink } from './sink.js'

/** A sink and a reader that keep their rows in the process. */
export interface MemorySink extends AuditSink, AuditReader {
  /** In the order in which they were written. */
  readonly rows: readonly AuditRow[]
  clear(): void
}

/**
 * Keeps rows in memory, for tests and first steps: nothing survives the process.
 *
 * @param options.capacity how many rows to keep; the oldest are dropped beyond it (10,000)
 */
export function memorySink(options: { readonly capacity?: number } = {}): MemorySink {
  return new InMemory(options.capacity ?? 10_000)
}

class InMemory implements MemorySink {
  readonly name = 'memory'
  readonly #capacity: number
  #rows: AuditRow[] = []
  #ids = new Set<string>()

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get rows(): readonly AuditRow[] {
    return this.#rows.slice(-this.#capacity)
  }

  async write(rows: readonly AuditRow[]): Promise<void> {
    for (const row of rows) {
      if (this.#ids.has(row.id)) continue
      this.#ids.add(row.id)
      this.#rows.push(row)
    }
    // Dropped by the thousand: one at a time would cost more than the write.
    if (this.#rows.length >= this.#capacity * 2) this.#dropOldest()
  }

  async find(query: AuditQuery): Promise<AuditPage> {
    const limit = checkQuery(query)
    const found = this.rows
      .filter((row) => matches(row, query))
      .sort((a, b) => (a.id < b.id ? 1 : -1))
      .slice(0, limit + 1)
    const items = found.slice(0, limit)
    return { items, nextCursor: found.length > limit ? (items.at(-1)?.id ?? null) : null }
  }

  async get(id: string): Promise<AuditRow | null> {
    return this.#rows.find((row) => row.id === id) ?? null
  }

  clear(): void {
    this.#rows = []
    this.#ids = new Set()
  }

  #dropOldest(): void {
    this.#rows = this.#rows.slice(-this.#capacity)
    this.#ids = new Set(this.#rows.map(({ id }) => id))
  }
}

function matches(row: AuditRow, query: AuditQuery): boolean {
  const time = timeOfRowId(row.id)
  return (
    (query.event === undefined || row.event === query.event) &&
    (query.outcome === undefined || row.outcome === query.outcome) &&
    (query.actorId === undefined || row.actor.id === query.actorId) &&
    (query.subjectId === undefined || row.subject?.id === query.subjectId) &&
    (query.concerning === undefined || row.actor.id === query.concerning || row.subject?.id === query.concerning) &&
    (query.attemptedHash === undefined || row.attempted?.hash === query.attemptedHash) &&
    (query.address === undefined || row.address === query.address) &&
    (query.requestId === undefined || row.requestId === query.requestId) &&
    (query.from === undefined || time >= query.from.getTime()) &&
    (query.to === undefined || time < query.to.getTime()) &&
    (query.cursor === undefined || row.id < query.cursor)
  )
}

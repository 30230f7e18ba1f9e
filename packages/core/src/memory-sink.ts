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
  // Two generations: dropping the older one whole costs nothing, dropping row by row more than writing.
  #rows = new Map<string, AuditRow>()
  #older = new Map<string, AuditRow>()

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get rows(): readonly AuditRow[] {
    return [...this.#older.values(), ...this.#rows.values()].slice(-this.#capacity)
  }

  async write(rows: readonly AuditRow[]): Promise<void> {
    for (const row of rows) this.#keep(row)
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
    return this.#rows.get(id) ?? this.#older.get(id) ?? null
  }

  clear(): void {
    this.#rows = new Map()
    this.#older = new Map()
  }

  #keep(row: AuditRow): void {
    if (this.#rows.has(row.id) || this.#older.has(row.id)) return
    this.#rows.set(row.id, row)
    if (this.#rows.size < this.#capacity) return
    this.#older = this.#rows
    this.#rows = new Map()
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

import { AuditError } from './audit-error.js'
import type { AuditRow } from './row.js'

/** How callers are joined into statements. */
export interface GroupCommitOptions {
  /** Writes under way at the same time; a lone row never waits for company. */
  readonly inFlight?: number
  /** Rows in one write, at most. */
  readonly maxBatch?: number
  /** Rows that may wait; beyond it a write is refused, and so counted and signalled as lost. */
  readonly maxQueue?: number
  /** True for an error that is one row's own fault: its batch is then written row by row. */
  readonly isRowFault?: (cause: unknown) => boolean
}

interface Waiting {
  readonly rows: readonly AuditRow[]
  readonly resolve: () => void
  readonly reject: (cause: unknown) => void
}

/**
 * Lets concurrent callers share a write: what arrives while the writers are busy goes out
 * together with the next one. Each caller is answered for its own rows only.
 */
export class GroupCommit {
  readonly #write: (rows: readonly AuditRow[]) => Promise<void>
  readonly #inFlight: number
  readonly #maxBatch: number
  readonly #maxQueue: number
  readonly #isRowFault: (cause: unknown) => boolean
  #queue: Waiting[] = []
  #queued = 0
  #writing = 0
  #scheduled = false
  #closed = false
  #drained: Array<() => void> = []

  constructor(write: (rows: readonly AuditRow[]) => Promise<void>, options: GroupCommitOptions = {}) {
    this.#write = write
    this.#inFlight = options.inFlight ?? 2
    this.#maxBatch = options.maxBatch ?? 1000
    this.#maxQueue = options.maxQueue ?? 100_000
    this.#isRowFault = options.isRowFault ?? (() => false)
  }

  add(rows: readonly AuditRow[]): Promise<void> {
    if (this.#closed) return Promise.reject(new AuditError('SINK_CLOSED', 'The sink is closed; close it last.'))
    if (rows.length === 0) return Promise.resolve()
    if (this.#queued + rows.length > this.#maxQueue) {
      return Promise.reject(
        new AuditError('SINK_OVERLOADED', `${this.#queued} rows wait for the store already; it is too slow or away.`),
      )
    }
    this.#queued += rows.length
    return new Promise((resolve, reject) => {
      this.#queue.push({ rows, resolve, reject })
      this.#schedule()
    })
  }

  /** Resolves when nothing waits and nothing is being written. */
  async drain(): Promise<void> {
    if (this.#writing === 0 && this.#queue.length === 0) return
    await new Promise<void>((resolve) => this.#drained.push(resolve))
  }

  /** Refuses what comes from now on, and resolves when what came before is written. */
  async close(): Promise<void> {
    this.#closed = true
    await this.drain()
  }

  #schedule(): void {
    if (this.#scheduled || this.#writing >= this.#inFlight) return
    this.#scheduled = true
    // Callers of the same turn of the event loop go out together.
    setImmediate(() => {
      this.#scheduled = false
      while (this.#writing < this.#inFlight && this.#queue.length > 0) void this.#next()
    })
  }

  async #next(): Promise<void> {
    const batch = this.#take()
    this.#writing++
    try {
      await this.#write(batch.flatMap(({ rows }) => rows))
      for (const { resolve } of batch) resolve()
    } catch (cause) {
      await this.#settleApart(batch, cause)
    }
    this.#writing--
    if (this.#queue.length > 0) this.#schedule()
    else if (this.#writing === 0) this.#wake()
  }

  /** One row that the store refuses must not take its neighbours with it. */
  async #settleApart(batch: readonly Waiting[], cause: unknown): Promise<void> {
    const isAlone = batch.length === 1 && batch[0]?.rows.length === 1
    if (isAlone || !this.#isRowFault(cause)) {
      for (const { reject } of batch) reject(cause)
      return
    }
    for (const { rows, resolve, reject } of batch) {
      const written = await Promise.allSettled(rows.map((row) => this.#write([row])))
      const failure = written.find(({ status }) => status === 'rejected') as PromiseRejectedResult | undefined
      if (failure) reject(failure.reason)
      else resolve()
    }
  }

  #take(): Waiting[] {
    let rows = 0
    let count = 0
    for (const waiting of this.#queue) {
      if (count > 0 && rows + waiting.rows.length > this.#maxBatch) break
      rows += waiting.rows.length
      count++
    }
    this.#queued -= rows
    return this.#queue.splice(0, count)
  }

  #wake(): void {
    const drained = this.#drained
    this.#drained = []
    for (const wake of drained) wake()
  }
}

import { AuditError } from './audit-error.js'
import type { AuditRow } from './row.js'
import type { BatchListener } from './sink.js'
import { warn } from './warn.js'

/** How callers are joined into statements. */
export interface GroupCommitOptions {
  /** Writes under way at the same time (2); a lone row never waits for company. */
  readonly inFlight?: number
  /** Rows in one write, at most (1,000), unless one caller brings more at once. */
  readonly maxBatch?: number
  /**
   * Rows that may wait, beside those that are being written (100,000). A call that would make them
   * more is refused at once with `SINK_OVERLOADED`, and none of its rows is written: memory stays
   * bounded, and who calls knows that the store is too slow or away.
   */
  readonly maxQueue?: number
  /** True for an error that is one row's own fault: its batch is then halved until it stands alone. */
  readonly isRowFault?: (cause: unknown) => boolean
}

interface Waiting {
  readonly rows: readonly AuditRow[]
  readonly resolve: () => void
  readonly reject: (cause: unknown) => void
}

// Fewer rows cost the store hardly less than these.
const worthSharing = 64

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
  #underWay = 0
  #writing = 0
  #scheduled = false
  #closed = false
  #drained: Array<() => void> = []
  #told: BatchListener = () => undefined

  constructor(write: (rows: readonly AuditRow[]) => Promise<void>, options: GroupCommitOptions = {}) {
    this.#write = write
    this.#inFlight = options.inFlight ?? 2
    this.#maxBatch = options.maxBatch ?? 1000
    this.#maxQueue = options.maxQueue ?? 100_000
    this.#isRowFault = options.isRowFault ?? (() => false)
  }

  /** Rows that wait or are being written. */
  get waiting(): number {
    return this.#queued + this.#underWay
  }

  /** Tells of every write that succeeded; there is one listener. */
  onBatch(listener: BatchListener): void {
    this.#told = listener
  }

  /** @throws AuditError `SINK_CLOSED`, `SINK_OVERLOADED`; else what the write of these rows threw */
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
    const rows = batch.length === 1 ? (batch[0] as Waiting).rows : batch.flatMap((waiting) => waiting.rows)
    this.#writing++
    this.#queued -= rows.length
    this.#underWay += rows.length
    const refused = new Map<AuditRow, unknown>()
    await this.#store(rows, refused)
    this.#writing--
    this.#underWay -= rows.length
    for (const waiting of batch) settle(waiting, refused)
    if (this.#queue.length > 0) this.#schedule()
    else if (this.#writing === 0) this.#wake()
  }

  /** One row that the store refuses must not take its neighbours with it: halves are written until it stands alone. */
  async #store(rows: readonly AuditRow[], refused: Map<AuditRow, unknown>): Promise<void> {
    const parts = [rows]
    for (let part = parts.pop(); part; part = parts.pop()) {
      try {
        await this.#timed(part)
      } catch (cause) {
        const half = part.length >> 1
        if (!this.#isRowFault(cause)) {
          // The store is at fault: what is left would fail as well, and each time take as long.
          for (const row of [part, ...parts].flat()) refused.set(row, cause)
          return
        }
        if (half === 0) refused.set(part[0] as AuditRow, cause)
        else parts.push(part.slice(half), part.slice(0, half))
      }
    }
  }

  async #timed(rows: readonly AuditRow[]): Promise<void> {
    const startedAt = performance.now()
    await this.#write(rows)
    try {
      this.#told(rows.length, (performance.now() - startedAt) / 1000)
    } catch (cause) {
      this.#told = () => undefined
      warn(new AuditError('STEP_FAILED', 'What listens to writes failed, and is told of none any more.', { cause }))
    }
  }

  /** What waits is shared out among the idle writers: while the store writes one part, the callers of another go on. */
  #take(): Waiting[] {
    const share = Math.ceil(this.#queued / (this.#inFlight - this.#writing))
    const most = Math.min(this.#maxBatch, Math.max(worthSharing, share))
    let rows = 0
    let count = 0
    for (const waiting of this.#queue) {
      if (count > 0 && rows + waiting.rows.length > most) break
      rows += waiting.rows.length
      count++
    }
    return this.#queue.splice(0, count)
  }

  #wake(): void {
    const drained = this.#drained
    this.#drained = []
    for (const wake of drained) wake()
  }
}

function settle({ rows, resolve, reject }: Waiting, refused: ReadonlyMap<AuditRow, unknown>): void {
  const bad = refused.size === 0 ? undefined : rows.find((row) => refused.has(row))
  if (bad) reject(refused.get(bad))
  else resolve()
}

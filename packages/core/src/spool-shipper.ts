import { AuditError } from './audit-error.js'
import type { AuditRow } from './row.js'
import { isRowRefused } from './row-refusal.js'
import type { AuditSink } from './sink.js'
import type { AuditSpool, SpoolBatch } from './spool.js'
import type { StoreHealth } from './store-health.js'
import { takeSpool } from './taken-spools.js'

/** What a {@link SpoolShipper} works with. */
export interface SpoolShipperParts {
  readonly spool: AuditSpool
  readonly sink: AuditSink
  readonly health: StoreHealth
  /** Milliseconds: a store that takes longer is away for those who ask. */
  readonly patience: number
  /** Told of a row that the store will never take; it has been set aside, where that was possible. */
  readonly onRefused: (row: AuditRow, cause: unknown) => void
  readonly onFault: (fault: AuditError) => void
}

const batchRows = 500
const shortestPause = 100
const longestPause = 5000
// Longer than the minute after which a spool looks again for what others left.
const lookout = 61_000

/** Brings what the spool holds to the store, in its order; while the store is away, it asks now and then. */
export class SpoolShipper {
  readonly #parts: SpoolShipperParts
  #running: Promise<void> | undefined
  #again = false
  #pause = 0
  /** The row that was shipped last: written again, it counts once. */
  #last: readonly AuditRow[] = []
  #timer: NodeJS.Timeout | undefined
  #lookout: NodeJS.Timeout | undefined
  #stopped = false

  constructor(parts: SpoolShipperParts) {
    this.#parts = parts
    takeSpool(parts.spool)
  }

  /** Resolves when it is at rest: there is nothing to ship, or the store is away. */
  get atRest(): Promise<void> {
    return this.#running ?? Promise.resolve()
  }

  /** To be called when rows were appended. */
  wake(): void {
    if (this.#running) this.#again = true
    else if (!this.#timer && !this.#stopped) this.#start()
  }

  /** Ships what can be shipped now, and then no more. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    clearTimeout(this.#lookout)
    this.#timer = undefined
    if (!this.#stopped) this.wake()
    this.#stopped = true
    await this.atRest
  }

  #start(): void {
    clearTimeout(this.#lookout)
    this.#running = this.#shipAll().finally(() => {
      this.#running = undefined
      const isWanted = this.#again || this.#pause > 0
      this.#again = false
      if (this.#stopped) return
      if (isWanted) this.#later()
      else this.#lookout = setTimeout(() => this.wake(), lookout).unref()
    })
  }

  #later(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#start()
    }, this.#pause)
    this.#timer.unref()
  }

  async #shipAll(): Promise<void> {
    const { health, onFault, spool } = this.#parts
    try {
      if (health.away && spool.size.rows === 0) await this.#askAgain()
      for (let batch = await this.#next(); batch; batch = await this.#next()) {
        const { outages } = health
        const inTime = await this.#inTime(this.#ship(batch.rows))
        health.heard()
        await this.#read(() => batch.done())
        this.#last = batch.rows.slice(-1)
        // While it lags behind, what comes now may wait here as well.
        if (inTime && (batch.rows.length < batchRows || spool.size.rows === 0)) health.answered(outages)
      }
      // It answers, and too late: it is asked now and then, until it is quick enough to wait for.
      this.#pause = health.away && this.#last.length > 0 ? this.#longer() : 0
    } catch (cause) {
      this.#pause = this.#longer()
      // The spool itself is broken; of the store, its health tells.
      if (cause instanceof SpoolBroken)
        onFault(new AuditError('SPOOL_FAILED', 'The spool could not be read.', { cause: cause.cause }))
      else health.failed(cause)
    }
  }

  async #askAgain(): Promise<void> {
    if (this.#last.length === 0) return
    const { health, sink } = this.#parts
    const { outages } = health
    const asked = sink.write(this.#last).catch((cause) => {
      if (!isRowRefused(cause)) throw cause
    })
    if (await this.#inTime(asked)) health.answered(outages)
  }

  async #inTime(work: Promise<void>): Promise<boolean> {
    const startedAt = performance.now()
    await work
    return performance.now() - startedAt <= this.#parts.patience
  }

  #longer(): number {
    return Math.min(longestPause, Math.max(shortestPause, this.#pause * 2))
  }

  async #next(): Promise<SpoolBatch | null> {
    this.#again = false
    return this.#read(() => this.#parts.spool.next(batchRows))
  }

  async #read<Result>(read: () => Promise<Result>): Promise<Result> {
    try {
      return await read()
    } catch (cause) {
      throw new SpoolBroken('The spool could not be read.', { cause })
    }
  }

  /** One row that the store refuses must not keep the others back. */
  async #ship(rows: readonly AuditRow[]): Promise<void> {
    const { sink } = this.#parts
    try {
      await sink.write(rows)
    } catch (cause) {
      if (!isRowRefused(cause)) throw cause
      if (rows.length === 1) await this.#setAside(rows[0] as AuditRow, cause)
      else for (const row of rows) await this.#ship([row])
    }
  }

  async #setAside(row: AuditRow, cause: unknown): Promise<void> {
    const { spool, onRefused, onFault } = this.#parts
    await spool.setAside(row, cause).catch((fault) => onFault(fault))
    onRefused(row, cause)
  }
}

class SpoolBroken extends Error {}

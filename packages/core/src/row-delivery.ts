import { AsyncResource } from 'node:async_hooks'
import { AuditError } from './audit-error.js'
import type { AuditRow } from './row.js'
import { currentTelling, type SignalBus, type Telling } from './signals.js'
import type { AuditSink } from './sink.js'

/** What a {@link RowDelivery} works with. */
export interface RowDeliveryParts {
  readonly sink: AuditSink
  readonly signals: SignalBus
}

/** Brings rows to the sink and announces those that are stored; counts both, and what was lost. */
export class RowDelivery {
  recorded = 0
  lost = 0
  readonly #parts: RowDeliveryParts
  // Sinks and subscribers run where the trail was made: in nobody's request and nobody's transaction.
  readonly #outside = new AsyncResource('CountersignTrail')
  #underWay = 0
  #waiters: Array<() => void> = []
  #closed = false

  constructor(parts: RowDeliveryParts) {
    this.#parts = parts
  }

  /** Resolves when the rows are stored, or their loss is counted; never rejects. */
  deliver(rows: readonly AuditRow[]): Promise<void> {
    Object.freeze(rows)
    const stored = this.#outside.runInAsyncScope(this.#store, this, rows, currentTelling())
    return this.#waitsForCaller() ? Promise.resolve() : stored
  }

  /** Tells of a fault, outside of whatever request is running. */
  report(error: AuditError): void {
    this.#outside.runInAsyncScope(this.#parts.signals.report, this.#parts.signals, error, currentTelling())
  }

  /** Runs outside of whatever request is running. */
  outside<Result>(run: () => Result): Result {
    return this.#outside.runInAsyncScope(run)
  }

  async settled(): Promise<void> {
    if (this.#underWay === 0) return
    await new Promise<void>((resolve) => this.#waiters.push(resolve))
  }

  async close(): Promise<void> {
    await this.settled()
    this.#closed = true
    await this.#parts.sink.close?.()
  }

  async #store(rows: readonly AuditRow[], above: Telling): Promise<void> {
    const { sink, signals } = this.#parts
    this.#underWay++
    try {
      if (this.#closed) throw new AuditError('TRAIL_CLOSED', 'The trail is closed; close it after the server.')
      await sink.write(rows)
      this.recorded += rows.length
    } catch (cause) {
      this.#lose(rows, cause, above)
      return
    } finally {
      if (--this.#underWay === 0 && this.#waiters.length > 0) this.#wake()
    }
    for (const row of rows) signals.announce(row, above)
  }

  #waitsForCaller(): boolean {
    try {
      return this.#parts.sink.waitsForCaller?.() === true
    } catch (cause) {
      const message = "the sink's waitsForCaller() failed; the row is recorded without it."
      this.report(new AuditError('STEP_FAILED', message, { cause }))
      return false
    }
  }

  #wake(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }

  #lose(rows: readonly AuditRow[], cause: unknown, above: Telling): void {
    const { signals } = this.#parts
    this.lost += rows.length
    for (const row of rows) signals.lose(row, cause, above)
    const message = `${rows.length} audit row(s) could not be stored and are lost.`
    signals.report(new AuditError('ROW_LOST', message, { cause }), above)
  }
}

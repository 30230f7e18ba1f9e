import { AsyncResource } from 'node:async_hooks'
import { AuditError } from './audit-error.js'
import type { AuditMetrics } from './metrics.js'
import { Patience } from './patience.js'
import type { Policies } from './policy.js'
import type { AuditRow } from './row.js'
import { currentTelling, type SignalBus, type Telling } from './signals.js'
import type { AuditSink } from './sink.js'
import type { AuditSpool } from './spool.js'
import { isRefusal, SpoolShipper } from './spool-shipper.js'
import { StoreHealth } from './store-health.js'

/** What a {@link RowDelivery} works with. */
export interface RowDeliveryParts {
  readonly sink: AuditSink
  readonly spool: AuditSpool | undefined
  readonly policies: Policies
  readonly signals: SignalBus
  readonly metrics: AuditMetrics | undefined
  /** Milliseconds that an attempt waits for the store, at most. */
  readonly patience: number
  readonly onLost: (rows: readonly AuditRow[], cause: unknown) => void
}

type Way = 'store' | 'spool'

// Compared by identity: rows that go the same ways share a write.
const storeOnly: readonly Way[] = ['store']
const storeFirst: readonly Way[] = ['store', 'spool']
const spoolFirst: readonly Way[] = ['spool', 'store']
const nowhere: readonly Way[] = []

const done: Promise<void> = Promise.resolve()

/** Brings rows to the store or the spool and announces those that are safe; counts both, and what was lost. */
export class RowDelivery {
  recorded = 0
  lost = 0
  readonly health: StoreHealth
  readonly #parts: RowDeliveryParts
  readonly #patience: Patience
  readonly #shipper: SpoolShipper | undefined
  // Sinks and subscribers run where the trail was made: in nobody's request and nobody's transaction.
  readonly #outside = new AsyncResource('CountersignTrail')
  #underWay = 0
  #waiters: Array<() => void> = []
  #closed = false
  #spoolFailing = false

  constructor(parts: RowDeliveryParts) {
    this.#parts = parts
    const { sink, spool } = parts
    this.#patience = new Patience(parts.patience)
    this.health = new StoreHealth(spool ? 'spool' : 'open')
    if (!spool) return
    spool.onFault?.((fault) => this.report(fault))
    this.#shipper = new SpoolShipper({
      spool,
      sink,
      health: this.health,
      patience: parts.patience,
      onRefused: (row, cause) => this.#lose([row], cause, []),
      onFault: (fault) => this.report(fault),
    })
    // What the last process left.
    this.outside(() => this.#shipper?.wake())
  }

  /** Whether the spool refused its last rows. */
  get spoolFailing(): boolean {
    return this.#spoolFailing
  }

  /** Resolves when the rows are safe, or their loss is counted; never rejects. */
  deliver(rows: readonly AuditRow[]): Promise<void> {
    if (rows.length === 0) return done
    Object.freeze(rows)
    const waits = this.#waitsForCaller()
    const safe = this.#outside.runInAsyncScope(this.#bring, this, rows, currentTelling(), waits)
    // The disk waits for nobody's transaction.
    return waits && !this.#parts.spool ? done : safe
  }

  /** Writes to the store, and nowhere else; of its health it tells, of a loss it does not. */
  async write(rows: readonly AuditRow[]): Promise<void> {
    const { outages } = this.health
    try {
      await this.#patience.for(this.#outside.runInAsyncScope(() => this.#parts.sink.write(rows)))
    } catch (cause) {
      if (!isRefusal(cause)) this.health.failed(cause)
      throw cause
    }
    this.#answered(outages)
  }

  /** Counts and announces rows that somebody else stored. */
  announce(rows: readonly AuditRow[]): void {
    this.#outside.runInAsyncScope(this.#safe, this, rows, 'store', performance.now(), currentTelling())
  }

  /** Tells of a fault, outside of whatever request is running. */
  report(error: AuditError): void {
    this.#outside.runInAsyncScope(this.#parts.signals.report, this.#parts.signals, error, currentTelling())
  }

  /** Runs outside of whatever request is running. */
  outside<Result>(run: () => Result): Result {
    return this.#outside.runInAsyncScope(run)
  }

  /** Resolves when nothing is being delivered, and what can be shipped is shipped. */
  async settled(): Promise<void> {
    if (this.#underWay > 0) await new Promise<void>((resolve) => this.#waiters.push(resolve))
    await this.#shipper?.atRest
  }

  /** Ships what the spool holds, if the store answers, and closes both. */
  async close(): Promise<void> {
    await this.settled()
    this.#closed = true
    const { sink, spool } = this.#parts
    await this.#notForEver(async () => this.#shipper?.stop())
    await this.#notForEver(async () => sink.close?.())
    await spool?.close()
  }

  #bring(rows: readonly AuditRow[], above: Telling, waits: boolean): Promise<void> {
    this.#underWay++
    const ways = this.#closed ? nowhere : this.#waysOf(rows[0] as AuditRow, waits)
    if (ways[0] === 'store' && rows.length === 1) return this.#direct(rows, ways, above)
    return this.#eachItsWay(rows, ways, above, waits).finally(() => this.#left())
  }

  /** The usual case: one row, to the store. Without a promise more than it needs. */
  #direct(rows: readonly AuditRow[], ways: readonly Way[], above: Telling): Promise<void> {
    const startedAt = this.#parts.metrics ? performance.now() : 0
    const { outages } = this.health
    return new Promise((resolve) => {
      const stored = (): void => {
        this.#answered(outages)
        this.#safe(rows, 'store', startedAt, above)
        this.#left()
        resolve()
      }
      const failed = (cause: unknown): void => {
        void this.#afterStore(rows, ways, cause, above).then(() => {
          this.#left()
          resolve()
        })
      }
      try {
        this.#patience.watch(this.#parts.sink.write(rows), stored, failed)
      } catch (cause) {
        failed(cause)
      }
    })
  }

  async #eachItsWay(rows: readonly AuditRow[], ways: readonly Way[], above: Telling, waits: boolean): Promise<void> {
    if (ways === nowhere) {
      this.#lose(rows, new AuditError('TRAIL_CLOSED', 'The trail is closed; close it after the server.'), above)
    } else if (rows.every((row) => this.#waysOf(row, waits) === ways)) {
      await this.#inTurn(rows, ways, above)
    } else {
      for (const row of rows) await this.#inTurn([row], this.#waysOf(row, waits), above)
    }
  }

  #left(): void {
    if (--this.#underWay === 0 && this.#waiters.length > 0) this.#wake()
  }

  #waysOf({ event }: AuditRow, waits: boolean): readonly Way[] {
    const { spool, policies } = this.#parts
    if (!spool) return storeOnly
    const { delivery, unreachable } = policies.of(event)
    if (delivery === 'deferred' || waits) return spoolFirst
    if (unreachable === 'open') return storeOnly
    // A spool that failed is tried again with what comes, also when the store is back: else nobody would know it works.
    return this.health.away || this.#spoolFailing ? spoolFirst : storeFirst
  }

  async #inTurn(rows: readonly AuditRow[], ways: readonly Way[], above: Telling, before?: unknown): Promise<void> {
    const startedAt = performance.now()
    const { outages } = this.health
    let failure = before
    for (const [turn, way] of ways.entries()) {
      try {
        if (way === 'store') await this.#patience.for(this.#parts.sink.write(rows))
        else await this.#spool(rows)
      } catch (cause) {
        failure = cause
        if (way === 'spool') continue
        await this.#afterStore(rows, ways.slice(turn), cause, above)
        return
      }
      if (way === 'store') this.#answered(outages)
      this.#safe(rows, way, startedAt, above)
      return
    }
    this.#lose(rows, failure, above)
  }

  /** What is left to do for rows that the store did not take. */
  async #afterStore(rows: readonly AuditRow[], ways: readonly Way[], cause: unknown, above: Telling): Promise<void> {
    if (isRefusal(cause)) {
      await this.#refused(rows, cause, above)
      return
    }
    this.health.failed(cause)
    await this.#inTurn(rows, ways.slice(1), above, cause)
  }

  /** The shipper says so, when it has caught up; unless it has nothing to ship. */
  #answered(outages: number): void {
    if (this.health.away && !this.#parts.spool?.size.rows) this.health.answered(outages)
  }

  async #spool(rows: readonly AuditRow[]): Promise<void> {
    try {
      await (this.#parts.spool as AuditSpool).append(rows)
      this.#spoolFailing = false
    } catch (cause) {
      this.#spoolFailing = true
      throw cause
    }
    this.#shipper?.wake()
  }

  /** The store takes some of them, and never the others: those are set aside, and lost to it. */
  async #refused(rows: readonly AuditRow[], cause: unknown, above: Telling): Promise<void> {
    if (rows.length > 1) {
      for (const row of rows) await this.#inTurn([row], this.#waysOf(row, false), above)
      return
    }
    await this.#parts.spool?.setAside(rows[0] as AuditRow, cause).catch((fault) => this.report(fault))
    this.#lose(rows, cause, above)
  }

  #safe(rows: readonly AuditRow[], where: Way, startedAt: number, above: Telling): void {
    const { signals, metrics } = this.#parts
    this.recorded += rows.length
    if (metrics) {
      const seconds = (performance.now() - startedAt) / 1000
      for (const row of rows) metrics.stored(row, where, seconds)
    }
    for (const row of rows) signals.announce(row, above)
  }

  #lose(rows: readonly AuditRow[], cause: unknown, above: Telling): void {
    const { signals, metrics, onLost } = this.#parts
    this.lost += rows.length
    for (const row of rows) {
      metrics?.lost(row)
      signals.lose(row, cause, above)
    }
    const message = `${rows.length} audit row(s) could not be stored and are lost.`
    signals.report(new AuditError('ROW_LOST', message, { cause }), above)
    onLost(rows, cause)
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

  /** Rows are safe in the spool, or counted as lost: a store that hangs does not hold the process. */
  async #notForEver(work: () => Promise<unknown>): Promise<void> {
    try {
      await this.#patience.for(work().then(() => undefined))
    } catch (cause) {
      if (!(cause instanceof AuditError && cause.code === 'STORE_SILENT')) throw cause
      this.report(cause)
    }
  }

  #wake(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }
}

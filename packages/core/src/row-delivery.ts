import { AsyncResource } from 'node:async_hooks'
import { AuditError } from './audit-error.js'
import { Patience } from './patience.js'
import type { Policies } from './policy.js'
import type { AuditRow } from './row.js'
import { RowOutcomes, type RowOutcomesParts } from './row-outcomes.js'
import { isRowRefused } from './row-refusal.js'
import { currentTelling, type Telling } from './signals.js'
import type { AuditSink } from './sink.js'
import type { AuditSpool } from './spool.js'
import { SpoolShipper } from './spool-shipper.js'
import { StoreHealth } from './store-health.js'
import { UnderWay } from './under-way.js'

/** What a {@link RowDelivery} works with. */
export interface RowDeliveryParts extends RowOutcomesParts {
  readonly sink: AuditSink
  readonly spool: AuditSpool | undefined
  readonly policies: Policies
  /** Milliseconds that an attempt waits for the store, at most. */
  readonly patience: number
}

type Way = 'store' | 'spool'

// Compared by identity: rows that go the same ways share a write.
const storeOnly: readonly Way[] = ['store']
const storeFirst: readonly Way[] = ['store', 'spool']
const spoolFirst: readonly Way[] = ['spool', 'store']
const nowhere: readonly Way[] = []

const done: Promise<void> = Promise.resolve()

function closed(): AuditError {
  return new AuditError('TRAIL_CLOSED', 'The trail is closed; close it after the server.')
}

/** Brings rows to the store or the spool and announces those that are safe; counts both, and what was lost. */
export class RowDelivery {
  readonly health: StoreHealth
  readonly #parts: RowDeliveryParts
  readonly #outcomes: RowOutcomes
  readonly #patience: Patience
  readonly #shipper: SpoolShipper | undefined
  // Sinks and subscribers run where the trail was made: in nobody's request and nobody's transaction.
  readonly #outside = new AsyncResource('CountersignTrail')
  readonly #underWay = new UnderWay()
  #closed = false
  #spoolFailing = false

  constructor(parts: RowDeliveryParts) {
    this.#parts = parts
    const { sink, spool } = parts
    this.#outcomes = new RowOutcomes(parts)
    this.#patience = new Patience(parts.patience)
    this.health = new StoreHealth(spool ? 'spool' : 'open')
    if (!spool) return
    spool.onFault?.((fault) => this.report(fault))
    this.#shipper = new SpoolShipper({
      spool,
      sink,
      health: this.health,
      patience: parts.patience,
      onRefused: (row, cause) => this.#outcomes.lose([row], cause, []),
      onFault: (fault) => this.report(fault),
    })
    // What the last process left.
    this.outside(() => this.#shipper?.wake())
  }

  get recorded(): number {
    return this.#outcomes.recorded
  }

  get lost(): number {
    return this.#outcomes.lost
  }

  /** Whether the spool refused its last rows. */
  get spoolFailing(): boolean {
    return this.#spoolFailing
  }

  /** Resolves when the rows are safe, or their loss is counted; never rejects. */
  deliver(rows: readonly AuditRow[]): Promise<void> {
    if (rows.length === 0) return done
    Object.freeze(rows)
    const bring = this.#waitsForCaller() ? this.#beside : this.#bring
    return this.#outside.runInAsyncScope(bring, this, rows, currentTelling())
  }

  /** Writes to the store, and nowhere else; of its health it tells, of a loss it does not. */
  async write(rows: readonly AuditRow[]): Promise<void> {
    const { outages } = this.health
    try {
      await this.#patience.for(this.#outside.runInAsyncScope(() => this.#parts.sink.write(rows)))
    } catch (cause) {
      if (!isRowRefused(cause)) this.health.failed(cause)
      throw cause
    }
    this.#answered(outages)
  }

  /** Counts and announces rows that somebody else stored. */
  announce(rows: readonly AuditRow[]): void {
    this.#outside.runInAsyncScope(
      this.#outcomes.safe,
      this.#outcomes,
      rows,
      'store',
      performance.now(),
      currentTelling(),
    )
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
    await this.#underWay.settled()
    await this.#shipper?.atRest
  }

  /**
   * Waits for what is under way, takes these steps, ships what the spool holds, if the store answers,
   * and closes both. None of it waits for ever: rows are in the spool by then, or counted as lost.
   */
  async close(steps: ReadonlyArray<() => Promise<void>> = []): Promise<void> {
    const { sink, spool } = this.#parts
    const atMost = (work: () => Promise<unknown>) => this.#patience.atMost(work, (silence) => this.report(silence))
    for (const step of [() => this.settled(), ...steps]) await atMost(step)
    this.#closed = true
    await atMost(async () => this.#shipper?.stop())
    try {
      await atMost(async () => sink.close?.())
    } finally {
      await spool?.close()
    }
  }

  #bring(rows: readonly AuditRow[], above: Telling): Promise<void> {
    this.#underWay.begun()
    const ways = this.#closed ? nowhere : this.#waysOf(rows[0] as AuditRow)
    if (ways[0] === 'store' && rows.length === 1) return this.#direct(rows, ways, above)
    return this.#eachItsWay(rows, ways, above).finally(() => this.#underWay.ended())
  }

  /** The caller holds the only connection: the disk does not wait for that, and nobody waits for the store. */
  async #beside(rows: readonly AuditRow[], above: Telling): Promise<void> {
    this.#underWay.begun()
    const startedAt = performance.now()
    const isSafe =
      !this.#closed &&
      this.#parts.spool &&
      (await this.#spool(rows).then(
        () => true,
        () => false,
      ))
    if (isSafe) this.#outcomes.safe(rows, 'spool', startedAt, above)
    else void this.#unhurried(rows, above)
    this.#underWay.ended()
  }

  /** For as long as it takes: the store is not silent, but held by the caller. */
  async #unhurried(rows: readonly AuditRow[], above: Telling): Promise<void> {
    this.#underWay.begun()
    try {
      if (this.#closed) throw closed()
      const startedAt = performance.now()
      await this.#parts.sink.write(rows)
      this.#outcomes.safe(rows, 'store', startedAt, above)
    } catch (cause) {
      this.#outcomes.lose(rows, cause, above)
    } finally {
      this.#underWay.ended()
    }
  }

  /** The usual case: one row, to the store. Without a promise more than it needs. */
  #direct(rows: readonly AuditRow[], ways: readonly Way[], above: Telling): Promise<void> {
    const startedAt = this.#parts.metrics ? performance.now() : 0
    const { outages } = this.health
    return new Promise((resolve) => {
      const stored = (): void => {
        this.#answered(outages)
        this.#outcomes.safe(rows, 'store', startedAt, above)
        this.#underWay.ended()
        resolve()
      }
      const failed = (cause: unknown): void => {
        void this.#afterStore(rows, ways, cause, above).then(() => {
          this.#underWay.ended()
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

  async #eachItsWay(rows: readonly AuditRow[], ways: readonly Way[], above: Telling): Promise<void> {
    if (ways === nowhere) {
      this.#outcomes.lose(rows, closed(), above)
    } else if (rows.every((row) => this.#waysOf(row) === ways)) {
      await this.#inTurn(rows, ways, above)
    } else {
      for (const row of rows) await this.#inTurn([row], this.#waysOf(row), above)
    }
  }

  #waysOf({ event }: AuditRow): readonly Way[] {
    const { spool, policies } = this.#parts
    if (!spool) return storeOnly
    const { delivery, unreachable } = policies.of(event)
    if (delivery === 'deferred') return spoolFirst
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
      this.#outcomes.safe(rows, way, startedAt, above)
      return
    }
    this.#outcomes.lose(rows, failure, above)
  }

  /** What is left to do for rows that the store did not take. */
  async #afterStore(rows: readonly AuditRow[], ways: readonly Way[], cause: unknown, above: Telling): Promise<void> {
    if (isRowRefused(cause)) {
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
      for (const row of rows) await this.#inTurn([row], this.#waysOf(row), above)
      return
    }
    await this.#parts.spool?.setAside(rows[0] as AuditRow, cause).catch((fault) => this.report(fault))
    this.#outcomes.lose(rows, cause, above)
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
}

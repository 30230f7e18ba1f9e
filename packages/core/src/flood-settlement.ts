import { AsyncResource } from 'node:async_hooks'
import type { AuditErrorCode } from './audit-error.js'
import type { FloodCount } from './flood-count.js'
import type { FloodLedger } from './flood-ledger.js'
import type { FloodSettings } from './flood-options.js'
import { freezeRow } from './freeze-row.js'
import type { AuditRow } from './row.js'

/** Where what was counted goes. */
export interface FloodOutlets {
  /** Without one, a crash costs the repeats of the windows that are open. */
  readonly ledger?: FloodLedger | undefined
  /** Brings rows the ordinary way. */
  readonly deliver: (rows: readonly AuditRow[]) => void
  /** Tells of rows that the ledger has stored. */
  readonly announce: (rows: readonly AuditRow[]) => void
  readonly report: (code: AuditErrorCode, message: string, cause: unknown) => void
}

/** What the rows of floods say, by id. */
type Counts = ReadonlyMap<string, number>

// Unsaved repeats of one flood that are not kept waiting for the time to flush.
const manyUnsaved = 1000
const largestBatch = 1000
// While the ledger fails it is not asked more often.
const pause = 1000
const minute = 60_000

/**
 * Brings counts to the ledger while windows are open, and turns them into rows when they close. One
 * thing at a time: what is put after it was closed would stay behind.
 */
export class FloodSettlement {
  readonly #settings: FloodSettings
  readonly #outlets: FloodOutlets
  // In nobody's request, whoever's denial it is that sets a timer.
  readonly #outside = new AsyncResource('CountersignFloods')
  readonly #unsaved = new Set<FloodCount>()
  #due: FloodCount[] = []
  #settling = false
  #collapsed = 0
  #flushTimer: NodeJS.Timeout | undefined
  #sweepTimer: NodeJS.Timeout | undefined
  #flushing = false
  #failing = false
  #isClosed = false
  #turn: Promise<void> = Promise.resolve()

  constructor(settings: FloodSettings, outlets: FloodOutlets) {
    this.#settings = settings
    this.#outlets = outlets
    this.#sweepLater()
  }

  /** Repeats that were counted and are in no row that is stored or on its way. */
  get collapsed(): number {
    return this.#collapsed
  }

  counted(flood: FloodCount): void {
    this.#collapsed++
    if (!this.#outlets.ledger) return
    this.#unsaved.add(flood)
    if (this.#isUrgent(flood) && !this.#flushing) this.#flush()
    else this.#flushLater()
  }

  /** Turns floods into rows. Their windows are closed: nothing is counted into them any more. */
  settle(floods: readonly FloodCount[]): void {
    for (const flood of floods) {
      flood.isOpen = false
      this.#unsaved.delete(flood)
      this.#due.push(flood)
    }
    if (this.#settling || this.#due.length === 0) return
    this.#settling = true
    void this.#inTurn(() => this.#settleDue())
  }

  /** Resolves when all that was to be settled is. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#flushTimer)
    clearTimeout(this.#sweepTimer)
    await this.#turn
  }

  /** A timer in nobody's request, which keeps no process alive. */
  later(run: () => void, milliseconds: number): NodeJS.Timeout {
    return this.#outside.runInAsyncScope(() => setTimeout(run, milliseconds).unref())
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const fail = (cause: unknown): void =>
      this.#outlets.report('LEDGER_FAILED', 'Floods of denials could not be delivered.', cause)
    this.#turn = this.#outside.runInAsyncScope(() => this.#turn.then(work).catch(fail))
    return this.#turn
  }

  #isUrgent(flood: FloodCount): boolean {
    return flood.unsaved >= manyUnsaved && !this.#failing
  }

  #flushLater(): void {
    if (this.#flushTimer || this.#flushing || this.#isClosed || this.#unsaved.size === 0) return
    const { flush } = this.#settings
    this.#flushTimer = this.later(() => this.#flush(), this.#failing ? Math.max(flush, pause) : flush)
  }

  #flush(): void {
    clearTimeout(this.#flushTimer)
    this.#flushTimer = undefined
    this.#flushing = true
    void this.#inTurn(async () => {
      await this.#putAll()
      this.#flushing = false
      if ([...this.#unsaved].some((flood) => this.#isUrgent(flood))) this.#flush()
      else this.#flushLater()
    })
  }

  async #putAll(): Promise<void> {
    for (const batch of batchesOf([...this.#unsaved])) if (!(await this.#put(batch))) return
  }

  async #put(floods: readonly FloodCount[]): Promise<boolean> {
    const sent = floods.map((flood) => ({ flood, count: flood.count, tally: flood.tally }))
    for (const { flood } of sent) {
      flood.wasSent = true
      this.#unsaved.delete(flood)
    }
    const isKept = await this.#asked('keep the counts of', async (ledger) => {
      await ledger.put(sent.map(({ tally }) => tally))
      return true
    })
    for (const { flood, count } of sent) {
      if (isKept) flood.kept = count
      else if (flood.isOpen) this.#unsaved.add(flood)
    }
    return isKept === true
  }

  async #settleDue(): Promise<void> {
    let answers = true
    try {
      while (this.#due.length > 0) {
        const floods = this.#due.splice(0, largestBatch)
        // A store that is slow to fail is asked once: what waits for it must not grow.
        const counts: Counts | undefined = answers ? await this.#closed(floods) : undefined
        answers = counts !== undefined
        this.#bringRows(floods, counts)
      }
    } finally {
      this.#settling = false
    }
  }

  #closed(floods: readonly FloodCount[]): Promise<Counts | undefined> {
    return this.#asked('close', (ledger) => ledger.close(floods.map(({ tally }) => tally)))
  }

  /** Tells of the rows that the ledger made, and delivers the others. */
  #bringRows(floods: readonly FloodCount[], counts: Counts | undefined): void {
    const closed: AuditRow[] = []
    const remaining: AuditRow[] = []
    for (const flood of floods) {
      const { row, count } = flood
      this.#collapsed -= count
      const stored = counts?.get(row.id) ?? 0
      if (stored >= count) closed.push(row)
      // The same row, should the ledger have made it after all; of a flood that it was sent before, it may have made another.
      else if (!flood.wasSent && stored === 0) remaining.push(row)
      else remaining.push(...flood.restBeyond(counts ? stored : flood.kept))
    }
    if (closed.length > 0) this.#outlets.announce(closed)
    if (remaining.length > 0) this.#outlets.deliver(remaining)
  }

  #sweepLater(): void {
    if (!this.#outlets.ledger || this.#isClosed) return
    const { window } = this.#settings
    this.#sweepTimer = this.later(
      () => void this.#inTurn(() => this.#sweep()).then(() => this.#sweepLater()),
      Math.max(window, minute),
    )
  }

  /** Closes the floods of processes that died: their windows closed so long ago that nobody living would not have. */
  async #sweep(): Promise<void> {
    const grace = 2 * Math.max(this.#settings.window, minute)
    const before = new Date(Date.now() - grace)
    const rows = await this.#asked('close the abandoned', (ledger) => ledger.closeAbandoned(before))
    if (rows && rows.length > 0) this.#outlets.announce(rows.map(freezeRow))
  }

  /** What the ledger answers; nothing where there is none, or it fails, which is reported once until it works again. */
  async #asked<Answer>(what: string, ask: (ledger: FloodLedger) => Promise<Answer>): Promise<Answer | undefined> {
    const { ledger, report } = this.#outlets
    if (!ledger) return undefined
    try {
      const answer = await ask(ledger)
      this.#failing = false
      return answer
    } catch (cause) {
      const message = `The store could not ${what} floods of denials; they are counted in the process, and go the ordinary way when their windows close.`
      if (!this.#failing) report('LEDGER_FAILED', message, cause)
      this.#failing = true
      return undefined
    }
  }
}

function batchesOf(floods: readonly FloodCount[]): FloodCount[][] {
  const batches: FloodCount[][] = []
  for (let at = 0; at < floods.length; at += largestBatch) batches.push(floods.slice(at, at + largestBatch))
  return batches
}

import { FloodCount } from './flood-count.js'
import { floodKey, wideFloodKey } from './flood-key.js'
import { type FloodOptions, type FloodSettings, floodSettings } from './flood-options.js'
import { type FloodOutlets, FloodSettlement } from './flood-settlement.js'
import { countedOnce, namelessSummaryOf, summaryOf } from './flood-summary.js'
import type { AuditRow } from './row.js'

/** What one key may do until it closes. */
interface Window {
  readonly opensAt: number
  readonly closesAt: number
  recorded: number
  flood: FloodCount | null
}

type Windows = Map<string, Window>

// Reasons are open to code, and code may make them of what clients send.
const maxWideKeys = 1000

/**
 * Lets the first denials of a key through and counts the others, until the key's window closes
 * and the count becomes one row. The sum of `repeatCount` over a key's rows is its attempts.
 */
export class FloodBudget {
  readonly #settings: FloodSettings
  readonly #settlement: FloodSettlement
  readonly #windows: Windows = new Map()
  readonly #wideWindows: Windows = new Map()
  #timer: NodeJS.Timeout | undefined
  #closed = false

  /** @throws AuditError `SETTING_INVALID` */
  constructor(options: FloodOptions, outlets: FloodOutlets) {
    this.#settings = floodSettings(options)
    this.#settlement = new FloodSettlement(this.#settings, outlets)
  }

  /** Repeats that were counted and are in no row that is stored or on its way. */
  get collapsed(): number {
    return this.#settlement.collapsed
  }

  /** The rows to deliver at once; the others are counted. Anything but a denial passes as it is. */
  admit(rows: readonly AuditRow[]): readonly AuditRow[] {
    for (const row of rows) if (isCountable(row) && !this.#closed) return this.#admitted(rows)
    return rows
  }

  /** Closes every window, and resolves when the summaries are stored or on their way. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#closeWindows(Number.POSITIVE_INFINITY)
    await this.#settlement.close()
  }

  #admitted(rows: readonly AuditRow[]): AuditRow[] {
    const now = Date.now()
    return rows.flatMap((row) => (isCountable(row) ? (this.#take(row, now) ?? []) : row))
  }

  #take(row: AuditRow, now: number): AuditRow | null {
    const window = this.#windowOf(this.#windows, floodKey(row), this.#settings.maxKeys, now)
    if (window) return this.#takeIn(window, row, summaryOf)
    const wide = this.#windowOf(this.#wideWindows, wideFloodKey(row), maxWideKeys, now)
    return wide ? this.#takeIn(wide, row, namelessSummaryOf) : countedOnce(row)
  }

  #takeIn(window: Window, row: AuditRow, summarise: (row: AuditRow) => AuditRow): AuditRow | null {
    if (window.recorded < this.#settings.budget) {
      window.recorded++
      return countedOnce(row)
    }
    window.flood ??= new FloodCount(summarise(row), window.closesAt)
    window.flood.add(row)
    this.#settlement.counted(window.flood)
    return null
  }

  /** The open window of a key, opened where there is none; null where there are too many. */
  #windowOf(windows: Windows, key: string, most: number, now: number): Window | null {
    const open = windows.get(key)
    if (open && !isOver(open, now)) return open
    if (open) this.#closeWindow(windows, key, open)
    if (windows.size >= most) return null
    const window = { opensAt: now, closesAt: now + this.#settings.window, recorded: 0, flood: null }
    windows.set(key, window)
    this.#timer ??= this.#settlement.later(() => this.#onTime(), this.#settings.window)
    return window
  }

  #onTime(): void {
    this.#timer = undefined
    const now = Date.now()
    this.#closeWindows(now)
    const next = [firstOf(this.#windows), firstOf(this.#wideWindows)].flatMap((window) => window?.closesAt ?? [])
    if (next.length === 0) return
    // Windows that close at nearly the same time close together; none waits longer than its length.
    const delay = Math.min(Math.max(Math.min(...next) - now, this.#settings.flush), this.#settings.window)
    this.#timer = this.#settlement.later(() => this.#onTime(), delay)
  }

  #closeWindow(windows: Windows, key: string, { flood }: Window): void {
    windows.delete(key)
    if (flood) this.#settlement.settle([flood])
  }

  /** Windows are equally long, and so close in the order in which they were opened. */
  #closeWindows(now: number): void {
    const floods: FloodCount[] = []
    for (const windows of [this.#windows, this.#wideWindows]) {
      for (const [key, window] of windows) {
        if (!isOver(window, now)) break
        windows.delete(key)
        if (window.flood) floods.push(window.flood)
      }
    }
    this.#settlement.settle(floods)
  }
}

/** A `transform` may have counted already. */
function isCountable({ outcome, repeatCount }: AuditRow): boolean {
  return outcome === 'denied' && repeatCount === null
}

/** Over is also what opened in the future: the clock was set back. */
function isOver({ opensAt, closesAt }: Window, now: number): boolean {
  return now >= closesAt || now < opensAt
}

function firstOf(windows: Windows): Window | undefined {
  return windows.values().next().value
}

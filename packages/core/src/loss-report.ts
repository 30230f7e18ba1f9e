import { codeOf } from './degradation.js'
import type { AuditRow } from './row.js'
import { isRowRefused } from './row-refusal.js'
import type { AuditTrail } from './trail.js'

/** What a {@link LossReport} works with. */
export interface LossReportParts {
  readonly rowFor: AuditTrail['rowFor']
  /** Writes to the store, and nowhere else; rejects when it is away. */
  readonly write: (rows: readonly AuditRow[]) => Promise<void>
  readonly announce: (rows: readonly AuditRow[]) => void
}

const soon = 1000
const longestPause = 5000

/**
 * Records that rows were lost, as an event: one row for all of them, as soon as the store takes it.
 * So the store is asked again and again where nothing else asks it.
 */
export class LossReport {
  readonly #parts: LossReportParts
  #rows = 0
  #error: string | null = null
  /** The row that is being told: with one id however often it is tried, because an answer may be lost. */
  #row: AuditRow | null = null
  #telling: Promise<void> | undefined
  #pause = soon
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(parts: LossReportParts) {
    this.#parts = parts
  }

  note(rows: readonly AuditRow[], cause: unknown): void {
    this.#rows += rows.length
    this.#error = codeOf(cause)
    this.#later()
  }

  /** Reports what was not reported yet, if the store takes it, and then no more. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#telling
    await this.#tell()
  }

  async #tell(): Promise<void> {
    const row = this.#row ?? this.#made()
    if (!row) return
    this.#row = row
    const told = Object.freeze([row])
    try {
      await this.#parts.write(told)
    } catch (cause) {
      // What the store will never take is not tried again; the losses are counted and were signalled.
      if (isRowRefused(cause)) this.#row = null
      return
    }
    this.#row = null
    this.#pause = soon
    this.#parts.announce(told)
  }

  /** Null where there is nothing to tell, or the row was vetoed. */
  #made(): AuditRow | null {
    const rows = this.#rows
    if (rows === 0) return null
    this.#rows = 0
    const details = this.#error === null ? { rows } : { rows, error: this.#error }
    return this.#parts.rowFor('audit_loss', { outcome: 'failure', actor: { type: 'service', id: 'trail' }, details })
  }

  #later(): void {
    if (this.#timer || this.#telling || this.#stopped) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#pause = Math.min(longestPause, this.#pause * 2)
      this.#telling = this.#tell().finally(() => {
        this.#telling = undefined
        if (this.#row || this.#rows > 0) this.#later()
      })
    }, this.#pause)
    this.#timer.unref()
  }
}

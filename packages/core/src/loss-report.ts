import type { AuditRow } from './row.js'
import { isRefusal } from './spool-shipper.js'
import type { AuditTrail } from './trail.js'

/** What a {@link LossReport} works with. */
export interface LossReportParts {
  readonly rowFor: AuditTrail['rowFor']
  /** Writes to the store, and nowhere else; rejects when it is away. */
  readonly write: (rows: readonly AuditRow[]) => Promise<void>
  readonly announce: (rows: readonly AuditRow[]) => void
  readonly codeOf: (cause: unknown) => string | null
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
  #pause = soon
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(parts: LossReportParts) {
    this.#parts = parts
  }

  note(rows: readonly AuditRow[], cause: unknown): void {
    this.#rows += rows.length
    this.#error = this.#parts.codeOf(cause)
    this.#later()
  }

  /** Reports what was not reported yet, if the store takes it, and then no more. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#tell()
  }

  async #tell(): Promise<void> {
    const { rowFor, write, announce } = this.#parts
    const rows = this.#rows
    if (rows === 0) return
    const details = this.#error === null ? { rows } : { rows, error: this.#error }
    const row = rowFor('audit_loss', { outcome: 'failure', actor: { type: 'service', id: 'trail' }, details })
    const told = row ? Object.freeze([row]) : []
    try {
      if (row) await write(told)
    } catch (cause) {
      // What the store will never take is not tried again; the losses stay counted and were signalled.
      if (!isRefusal(cause)) return
    }
    this.#rows -= rows
    this.#pause = soon
    announce(told)
  }

  #later(): void {
    if (this.#timer || this.#stopped) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#pause = Math.min(longestPause, this.#pause * 2)
      void this.#tell().then(() => {
        if (this.#rows > 0) this.#later()
      })
    }, this.#pause)
    this.#timer.unref()
  }
}

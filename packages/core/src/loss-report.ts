import type { AuditRow } from './row.js'
import type { AuditTrail } from './trail.js'

/** What a {@link LossReport} works with. */
export interface LossReportParts {
  readonly record: AuditTrail['record']
  readonly isAway: () => boolean
  readonly codeOf: (cause: unknown) => string | null
}

const soon = 1000

/** Records that rows were lost, as an event, when the store can be told: one row for all of them. */
export class LossReport {
  readonly #parts: LossReportParts
  #rows = 0
  #error: string | null = null
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(parts: LossReportParts) {
    this.#parts = parts
  }

  note(rows: readonly AuditRow[], cause: unknown): void {
    // A report that is lost itself is counted, like any row, and not reported again.
    const lost = rows.filter(({ event }) => event !== 'audit_loss').length
    if (lost === 0) return
    this.#rows += lost
    this.#error = this.#parts.codeOf(cause)
    this.#later()
  }

  /** Reports what was not reported yet, and then no more. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#tell()
  }

  async #tell(): Promise<void> {
    if (this.#rows === 0 || this.#parts.isAway()) return
    const rows = this.#rows
    this.#rows = 0
    const details = this.#error === null ? { rows } : { rows, error: this.#error }
    await this.#parts.record('audit_loss', { outcome: 'failure', actor: { type: 'service', id: 'trail' }, details })
  }

  #later(): void {
    if (this.#timer || this.#stopped) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      void this.#tell().then(() => {
        if (this.#rows > 0) this.#later()
      })
    }, soon)
    this.#timer.unref()
  }
}

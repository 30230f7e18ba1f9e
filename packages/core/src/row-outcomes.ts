import { AuditError } from './audit-error.js'
import type { AuditMetrics } from './metrics.js'
import type { AuditRow } from './row.js'
import type { SignalBus, Telling } from './signals.js'

/** Who is told what became of rows. */
export interface RowOutcomesParts {
  readonly signals: SignalBus
  readonly metrics: AuditMetrics | undefined
  readonly onLost: (rows: readonly AuditRow[], cause: unknown) => void
}

/** What became of rows: counted, measured and announced. */
export class RowOutcomes {
  recorded = 0
  lost = 0
  readonly #parts: RowOutcomesParts

  constructor(parts: RowOutcomesParts) {
    this.#parts = parts
  }

  safe(rows: readonly AuditRow[], where: 'store' | 'spool', startedAt: number, above: Telling): void {
    const { signals, metrics } = this.#parts
    this.recorded += rows.length
    if (metrics) {
      const seconds = (performance.now() - startedAt) / 1000
      for (const row of rows) metrics.stored(row, where, seconds)
    }
    for (const row of rows) signals.announce(row, above)
  }

  lose(rows: readonly AuditRow[], cause: unknown, above: Telling): void {
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
}

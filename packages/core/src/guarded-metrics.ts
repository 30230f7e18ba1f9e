import { isThenable } from './answers-later.js'
import type { AuditMetrics } from './metrics.js'

/** The same metrics, whose faults harm nobody: the first is told, those that follow are its repetitions. */
export function guardedMetrics(metrics: AuditMetrics, onFault: (cause: unknown) => void): AuditMetrics {
  let told = false
  const fail = (cause: unknown): void => {
    if (told) return
    told = true
    onFault(cause)
  }
  const guarded = (tell: () => unknown): void => {
    try {
      const answer = tell()
      // Unhandled, its rejection would end the process.
      if (isThenable(answer)) Promise.resolve(answer).catch(fail)
    } catch (cause) {
      fail(cause)
    }
  }
  return {
    stored: (row, where, seconds) => guarded(() => metrics.stored(row, where, seconds)),
    lost: (row) => guarded(() => metrics.lost(row)),
    batch: (rows, seconds) => guarded(() => metrics.batch(rows, seconds)),
    gauges: (read) => guarded(() => metrics.gauges(read)),
  }
}

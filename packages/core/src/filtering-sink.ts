import { inspect } from 'node:util'
import { refuseLater } from './answers-later.js'
import { AuditError } from './audit-error.js'
import type { AuditRow } from './row.js'
import { type AuditSink, isSink, type SinkTransaction } from './sink.js'
import { warn } from './warn.js'

/**
 * Writes the rows that `keep` does not answer `false` for; the others count as stored. A filter
 * that throws, or answers with a promise, keeps the row: it is said once, as a warning.
 *
 * @throws AuditError `SINK_INVALID`
 * @example
 * const alarms = filteringSink(memorySink(), (row) => row.severity === 'high' || row.severity === 'critical')
 */
export function filteringSink(sink: AuditSink, keep: (row: AuditRow) => boolean): AuditSink {
  if (!isSink(sink) || typeof keep !== 'function') {
    throw new AuditError(
      'SINK_INVALID',
      `filteringSink needs a sink and a function of a row, and was given ${inspect([sink, keep], { depth: 0 })}. Write: filteringSink(sink, (row) => row.outcome !== 'success')`,
    )
  }
  let warned = false
  const isKept = (row: AuditRow): boolean => {
    try {
      const answer: unknown = keep(row)
      refuseLater(answer)
      return answer !== false
    } catch (cause) {
      if (!warned) warn(new AuditError('STEP_FAILED', `The filter of ${sink.name} failed; the row is kept.`, { cause }))
      warned = true
      return true
    }
  }
  const filtered =
    (write: AuditSink['write']): AuditSink['write'] =>
    async (rows) => {
      const kept = rows.filter(isKept)
      if (kept.length > 0) await write(kept)
    }
  return {
    name: `filtered ${sink.name}`,
    write: filtered((rows) => sink.write(rows)),
    ...(sink.transaction ? { transaction: filteredTransaction(sink.transaction, filtered) } : {}),
    get waiting() {
      return sink.waiting ?? 0
    },
    onBatch: (listener) => sink.onBatch?.(listener),
    waitsForCaller: () => sink.waitsForCaller?.() === true,
    ...(sink.close ? { close: async () => sink.close?.() } : {}),
  }
}

function filteredTransaction(
  transaction: SinkTransaction,
  filtered: (write: AuditSink['write']) => AuditSink['write'],
): SinkTransaction {
  const { onEnd, onEscape } = transaction
  return {
    isOpen: () => transaction.isOpen(),
    run: (run) => transaction.run(run),
    write: filtered((rows) => transaction.write(rows)),
    ...(onEnd ? { onEnd: (listener) => onEnd.call(transaction, listener) } : {}),
    ...(onEscape ? { onEscape: (listener) => onEscape.call(transaction, listener) } : {}),
  }
}

import type { FloodLedger, FloodTally } from './flood-ledger.js'
import type { AuditRow } from './row.js'
import type { SinkTransaction } from './sink.js'

type Copy = (rows: readonly AuditRow[]) => void

/** A transaction whose rows are copied when it has committed. */
export function copiedTransaction(transaction: SinkTransaction, copy: Copy): SinkTransaction {
  const { onEnd, onEscape } = transaction
  return {
    isOpen: () => transaction.isOpen(),
    run: (run) => transaction.run(run),
    async write(rows) {
      await transaction.write(rows)
      if (!onEnd) copy(rows)
      onEnd?.call(transaction, (committed) => {
        if (committed) copy(rows)
      })
    },
    ...(onEnd ? { onEnd: (listener) => onEnd.call(transaction, listener) } : {}),
    ...(onEscape ? { onEscape: (listener) => onEscape.call(transaction, listener) } : {}),
  }
}

/** A ledger whose summary rows are copied when they are stored. */
export function copiedLedger(ledger: FloodLedger, copy: Copy): FloodLedger {
  return {
    put: (tallies) => ledger.put(tallies),
    async close(tallies) {
      const counts = await ledger.close(tallies)
      copy(summariesOf(tallies, counts))
      return counts
    },
    async closeAbandoned(before) {
      const rows = await ledger.closeAbandoned(before)
      copy(rows)
      return rows
    },
  }
}

function summariesOf(tallies: readonly FloodTally[], counts: ReadonlyMap<string, number>): AuditRow[] {
  return tallies.map(({ row }) => Object.freeze({ ...row, repeatCount: counts.get(row.id) ?? row.repeatCount }))
}

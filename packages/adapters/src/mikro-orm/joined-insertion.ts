import { AuditError, type AuditRow, timeOfRowId } from '@countersign/core'
import type { OpenTransaction } from './open-transactions.js'
import { encodeRows, insertRows } from './row-columns.js'

/** Inserts rows in a transaction of somebody else's, without aborting it where a partition is missing. */
export class JoinedInsertion {
  /** Months whose partitions a committed transaction saw. */
  readonly #months = new Set<string>()

  async insert(transaction: OpenTransaction, rows: readonly AuditRow[]): Promise<void> {
    if (rows.length === 0) return
    const missing = new Set(rows.map(monthOf).filter((month) => !this.#months.has(month)))
    for (const month of missing) await query(transaction, 'select audit_ensure_partition($1::timestamptz)', month)
    try {
      const inserted = await query(transaction, `${insertRows} returning id`, encodeRows(rows))
      // A row of that id says something else already; beside it this change has none.
      if (inserted.length < new Set(rows.map(({ id }) => id)).size)
        throw new Error('A row with the id of this attempt is there already.')
    } catch (cause) {
      // A partition may have been taken away; the next transaction looks again.
      this.#months.clear()
      throw new AuditError('SINK_FAILED', 'The rows could not be written in the transaction that is open.', { cause })
    }
    transaction.onEnd((committed) => {
      if (committed) for (const month of missing) this.#months.add(month)
    })
  }
}

/** By the id, which is what the table is partitioned by. */
function monthOf({ id }: AuditRow): string {
  return `${new Date(timeOfRowId(id)).toISOString().slice(0, 7)}-01T00:00:00Z`
}

/**
 * MikroORM writes values into the text of a statement, where the server's log and its list of
 * running statements show them. So this is Kysely's own form of a statement, with a parameter.
 */
async function query({ handle }: OpenTransaction, sql: string, parameter: string): Promise<unknown[]> {
  const node = { kind: 'RawNode', sqlFragments: [sql], parameters: [] }
  const run = { sql, parameters: [parameter], query: node, queryId: { queryId: 'countersign' } }
  return (await handle.executeQuery(run)).rows
}

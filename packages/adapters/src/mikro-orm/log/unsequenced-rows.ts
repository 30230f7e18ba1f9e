import type { Statements } from '../sql-client.js'
import { type JoinedRow, joinedRowColumns } from './joined-row.js'
import { type StoredRow, storedRowColumns } from './log-leaves.js'
import type { LogState } from './log-state.js'

/** A row that has no leaf yet. */
export interface UnsequencedRow extends JoinedRow {
  readonly id: string
  readonly xact: string
}

const columns = `select e.id, e.xact::text as xact, ${joinedRowColumns} from audit_event e`
// Not as a join, which may be made of all leaves: one look for each row.
const noLeaf = '(select l.leaf_index from audit_leaf l where l.row_id = e.id) is null'

const isNext = '(e.xact, e.id) > ($3::xid8, $4::uuid) and pg_visible_in_snapshot(e.xact, $2::pg_snapshot)'
const inOrder = `and ${noLeaf} order by e.xact, e.id limit $5`

/**
 * Rows that the last snapshot did not see: of transactions that began after it, and of the few that were under way.
 * So a late commit is never passed over, and no long transaction, here or in another database of the server, holds
 * anything up. What bears a number that no transaction has yet comes from a copy of another database.
 */
const later = `${columns} where e.xact >= pg_snapshot_xmax($1::pg_snapshot) and e.xact < pg_snapshot_xmax($2::pg_snapshot)
  and ${isNext} ${inOrder}`
// One look for each of the transactions: of several at once the index does not give the rows in their order.
const underWay = `select one.* from unnest($6::xid8[]) running(xact) cross join lateral (
    ${columns} where e.xact = running.xact and ${isNext} ${inOrder}
  ) one`
const both = `select * from ((${underWay}) union all (${later})) rows order by xact::xid8, id limit $5`

const restored = `${columns} where e.id > $1::uuid and ${noLeaf} order by e.id limit $2`

/** The next rows, in the order in which they get their leaves. */
export function unsequencedRows(statements: Statements, state: LogState, limit: number): Promise<UnsequencedRow[]> {
  const { done, target, now, afterXact, afterId, restoring } = state
  if (restoring) return statements.query(restored, [afterId, limit])
  const [, , running = ''] = done.split(':')
  const values = [done, target ?? now, afterXact, afterId, limit]
  return running === ''
    ? statements.query(later, values, 'countersign-later')
    : statements.query(both, [...values, `{${running}}`], 'countersign-both')
}

/** One of them as JSON, where the quicker form does not do. */
export async function rowAsJson(statements: Statements, id: string): Promise<StoredRow> {
  const [row] = await statements.query<StoredRow>(`select ${storedRowColumns} from audit_event e where e.id = $1`, [id])
  return row as StoredRow
}

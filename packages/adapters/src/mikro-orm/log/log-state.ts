import { CompactTree, type Digest, type FullSubtree, storedLevels } from '@countersign/core/evidence'
import type { Statements } from '../sql-client.js'

/** Where the sequencer is, as the database keeps it. */
export interface LogState {
  readonly size: number
  readonly roots: readonly Digest[]
  /** Every row that this snapshot sees has its leaf. */
  readonly done: string
  /** What is being worked off, where that takes more than one transaction, and how far it is. */
  readonly target: string | null
  readonly afterXact: string
  readonly afterId: string
  /** The database was put back from a copy: transactions are counted anew, and rows are looked for one by one. */
  readonly restoring: boolean
  /** What this transaction sees. */
  readonly now: string
}

interface StateRecord extends Omit<LogState, 'size' | 'roots'> {
  readonly size: string
  readonly roots: string
  readonly isCopy: boolean
}

const thisCluster = '(select system_identifier from pg_control_system())'

/**
 * Where the sequencer is counts by the transactions of one server. True where the database is another one's copy, or was
 * put back from one: until the sequencer has looked at each row, nobody knows what it has passed.
 */
export const isCopy: string = `(restoring or cluster is distinct from ${thisCluster}
  or pg_snapshot_xmax(done) > pg_snapshot_xmax(pg_current_snapshot()))`

// One sequencer at a time, whatever it is in. What it reads is to be read in the order of an index, some rows at a
// time: sorted, all of a backlog would be read for every few of them. What is off counts as dear, and what is dear
// would be compiled, for seconds.
const lock = `select pg_try_advisory_xact_lock(hashtext('countersign-log')) as mine,
  set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true),
  set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)`

const read = `select tree_size::text as size, encode(roots, 'hex') as roots, done::text as done, target::text as target,
    coalesce(after_xact::text, '0') as "afterXact", coalesce(after_id::text, '${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}') as "afterId",
    restoring, pg_current_snapshot()::text as now,
    ${isCopy} as "isCopy"
  from audit_log_state for update`

/** Takes the log for this transaction, and tells where it is; null where another one has it. */
export async function takeLog(statements: Statements): Promise<LogState | null> {
  const [{ mine } = { mine: false }] = await statements.query<{ mine: boolean }>(lock, [])
  if (!mine) return null
  const [record] = await statements.query<StateRecord>(read, [])
  if (!record) return null
  const { isCopy, size, roots, ...state } = record
  const known = { ...state, size: Number(size), roots: rootsOf(roots) }
  if (!isCopy || state.restoring) return known
  return { ...known, restoring: true, target: state.now, afterId: '00000000-0000-0000-0000-000000000000' }
}

/** Says where the log is now; in the transaction that took it. */
export async function keepLog(statements: Statements, state: LogState): Promise<void> {
  await statements.query(
    `update audit_log_state set tree_size = $1, roots = decode($2, 'hex'), done = $3, target = $4,
      after_xact = $5, after_id = $6, restoring = $7, cluster = ${thisCluster}`,
    [
      state.size,
      Buffer.from(state.roots.join(''), 'latin1').toString('hex'),
      state.done,
      state.target,
      state.afterXact,
      state.afterId,
      state.restoring,
    ],
  )
}

/** The tree of a log so far, and the nodes that are completed while it grows. */
export function treeOf({ size, roots }: LogState): { tree: CompactTree; completed: FullSubtree[] } {
  const completed: FullSubtree[] = []
  const tree = new CompactTree((subtree) => {
    if (subtree.level % storedLevels === 0) completed.push(subtree)
  })
  if (!tree.resume(size, roots)) throw new Error(`The state of the log has ${roots.length} roots for ${size} leaves.`)
  return { tree, completed }
}

function rootsOf(hex: string): Digest[] {
  const bytes = Buffer.from(hex, 'hex').toString('latin1')
  return Array.from({ length: bytes.length / 32 }, (_, index) => bytes.slice(index * 32, index * 32 + 32))
}

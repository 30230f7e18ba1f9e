import type { NoteSigner, RetentionReceipt } from '@countersign/core/evidence'
import type { LogClient, Statements } from '../sql-client.js'
import { isLostRace } from '../sql-state.js'
import type { ErasureProgress } from './erasure.js'
import { assertLogKey, keepReceipt, receiptHead } from './log-keys.js'
import { takeLog } from './log-state.js'

/** A month of rows, as a partition. */
export interface StoredMonth {
  readonly partition: string
  /** The first id that it can hold, and the first that it can't. */
  readonly from: string
  readonly to: string
  /** Labels of the legal holds that keep it. */
  readonly holds: readonly string[]
}

/** What became of a month whose time has come. */
export interface PrunedMonth {
  readonly partition: string
  readonly rows: number
  /** The signed receipt; null where the month stays. */
  readonly receipt: string | null
  /** Why it stays. */
  readonly kept: 'held' | 'unsequenced' | 'busy' | null
}

/** What is done with the rows of a month: gone for good, or put aside as a table of their own. */
export type Disposal = 'drop' | 'archive'

/** The months of the store, oldest first. */
export function storedMonths(client: Pick<Statements, 'query'>): Promise<StoredMonth[]> {
  return client.query<StoredMonth>(
    `with months as (
      select c.relname::text as partition,
        (regexp_match(pg_get_expr(c.relpartbound, c.oid), $re$FROM \\('([0-9a-f-]+)'\\)$re$))[1]::uuid as "from",
        (regexp_match(pg_get_expr(c.relpartbound, c.oid), $re$TO \\('([0-9a-f-]+)'\\)$re$))[1]::uuid as "to"
      from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'audit_event'::regclass
    ) select partition, "from"::text, "to"::text, coalesce((
        select array_agg(h.label order by h.placed_at) from audit_hold h where h.released_at is null
          and audit_first_id(h.from_at) < months."to" and audit_first_id(h.to_at) > months."from"
      ), '{}') as holds
    from months order by months."from"`,
    [],
  )
}

/** Takes away the months that ended before a moment; their leaves stay, and a receipt says which they were. */
export async function prune(
  client: LogClient,
  signer: NoteSigner,
  { before, disposal }: { readonly before: Date; readonly disposal: Disposal },
  onProgress: ErasureProgress = () => undefined,
): Promise<PrunedMonth[]> {
  const [bound] = await client.query<{ id: string }>('select audit_first_id($1)::text as id', [before])
  const due = (await storedMonths(client)).filter(({ to }) => bound !== undefined && to <= bound.id)
  const pruned: PrunedMonth[] = []
  for (const month of due) {
    pruned.push(
      month.holds.length > 0
        ? { partition: month.partition, rows: 0, receipt: null, kept: 'held' }
        : await takeSoon(client, signer, { month, disposal }),
    )
    await onProgress(pruned.length, due.length)
  }
  return pruned
}

interface DueMonth {
  readonly month: StoredMonth
  readonly disposal: Disposal
}

const mostLooks = 40

/** The sequencer has the log for moments only: it is asked for again before the month stays. */
async function takeSoon(client: LogClient, signer: NoteSigner, due: DueMonth): Promise<PrunedMonth> {
  for (let looks = 1; ; looks++) {
    const taken = await client
      .transaction((statements) => take(statements, signer, due))
      .catch((cause: unknown) => {
        if (isLostRace(cause)) return stay(due.month, 'busy')
        throw cause
      })
    if (taken.kept !== 'busy' || looks === mostLooks) return taken
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function stay({ partition }: StoredMonth, kept: PrunedMonth['kept']): PrunedMonth {
  return { partition, rows: 0, receipt: null, kept }
}

async function take(statements: Statements, signer: NoteSigner, { month, disposal }: DueMonth): Promise<PrunedMonth> {
  const { partition, from, to } = month
  // Whoever reads or writes meanwhile is not kept waiting for long.
  await statements.query("set local lock_timeout = '2s'", [])
  // Before anything is read: a row, or a hold, that is committed after the look and before the lock would not be seen.
  await statements.query(`lock table audit_hold, ${quoted(partition)} in share mode`, [])
  const state = await takeLog(statements)
  if (!state) return stay(month, 'busy')
  const [held] = (await storedMonths(statements)).filter((other) => other.partition === partition)
  if (!held || held.holds.length > 0) return stay(month, 'held')
  const [counted] = await statements.query<{ rows: number; open: number }>(
    `select count(*)::int as rows, count(*) filter (where l.row_id is null)::int as open
    from ${quoted(partition)} e left join audit_leaf l on l.row_id = e.id`,
    [],
  )
  if (!counted || counted.open > 0) return stay(month, 'unsequenced')
  await assertLogKey(statements, signer, state.size)
  const [last] = await statements.query<{ note: string }>(
    'select note from audit_checkpoint order by tree_size desc limit 1',
    [],
  )
  const head = receiptHead(state.size)
  const receipt: RetentionReceipt = {
    ...head,
    kind: 'retention',
    ...{ rows: counted.rows, partition, from, to, checkpoint: last?.note ?? '' },
  }
  const note = await keepReceipt(statements, receipt, signer)
  await statements.query(`alter table audit_event detach partition ${quoted(partition)}`, [])
  if (disposal === 'drop') await statements.query(`drop table ${quoted(partition)}`, [])
  // Of the same month a late row may still come, and make its partition anew.
  else
    await statements.query(`alter table ${quoted(partition)} rename to ${quoted(archiveName(partition, head.id))}`, [])
  return { partition, rows: counted.rows, receipt: note, kept: null }
}

function archiveName(partition: string, receiptId: string): string {
  return `${partition.replace('audit_event', 'audit_archive')}_${receiptId.replaceAll('-', '').slice(0, 12)}`
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

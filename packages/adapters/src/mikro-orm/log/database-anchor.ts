import { AuditError } from '@countersign/core'
import { type CheckpointAnchor, parseCheckpoint } from '@countersign/core/evidence'
import type { SqlClient } from '../sql-client.js'

/** The statements that make the table of a {@link databaseAnchor}, in a database of somebody else's. */
export const anchorSchema: readonly string[] = [
  `create table if not exists audit_anchor (
    origin text not null,
    tree_size bigint not null,
    note text not null,
    anchored_at timestamptz not null default now(),
    primary key (origin, tree_size)
  )`,
  `create or replace function audit_refuse_anchor_change() returns trigger language plpgsql as $$
  begin
    raise exception 'Anchored checkpoints stay: % is refused.', tg_op using errcode = 'insufficient_privilege';
  end $$`,
  `create or replace trigger audit_anchor_change before update or delete on audit_anchor
    for each row execute function audit_refuse_anchor_change()`,
  `create or replace trigger audit_anchor_truncate before truncate on audit_anchor
    execute function audit_refuse_anchor_change()`,
]

/**
 * Keeps checkpoints in a second database: one with another owner, so that whoever owns the first can't change both.
 * Its role needs to select and insert, and nothing else.
 *
 * @example
 * const anchor = databaseAnchor(sqlClient(orm, 1))
 */
export function databaseAnchor(client: Pick<SqlClient, 'query'>): CheckpointAnchor {
  return {
    name: 'database',
    async publish({ origin, size, note }) {
      const [last] = await client.query<{ size: string; note: string }>(
        'select tree_size::text as size, note from audit_anchor where origin = $1 order by tree_size desc limit 1',
        [origin],
      )
      if (last) assertLater(last, size, note)
      await client.query(
        'insert into audit_anchor (origin, tree_size, note) values ($1, $2, $3) on conflict do nothing',
        [origin, size, note],
      )
    },
    async read() {
      const kept = await client.query<{ note: string }>('select note from audit_anchor order by tree_size', [])
      return kept.map(({ note }) => note)
    },
  }
}

function assertLater(last: { readonly size: string; readonly note: string }, size: number, note: string): void {
  const isOther = parseCheckpoint(last.note)?.root !== parseCheckpoint(note)?.root
  if (Number(last.size) < size || (Number(last.size) === size && !isOther)) return
  throw new AuditError(
    'LOG_ROLLED_BACK',
    `The second database keeps a checkpoint of ${last.size} leaves of this log, which the one of ${size} does not follow. The log was put back to an older state, or written anew: keep everything as it is, and verify it.`,
  )
}

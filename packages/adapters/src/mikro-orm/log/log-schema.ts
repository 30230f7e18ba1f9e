import { personalColumns } from './personal-columns.js'

const insertOnly = (table: string): readonly string[] => [
  `create trigger ${table}_change before update or delete on ${table} for each row execute function audit_refuse_change()`,
  `create trigger ${table}_truncate before truncate on ${table} execute function audit_refuse_change()`,
]

/** The statements that make the log over the store; the same on PGlite and PostgreSQL. */
export const logSchema: readonly string[] = [
  // Which transaction a row came with: what tells rows that were there from rows that came late.
  'alter table audit_event add column xact xid8 not null default pg_current_xact_id()',
  'create index audit_event_xact on audit_event (xact, id)',
  `create index audit_event_on_behalf_of on audit_event ((on_behalf_of->>'id')) where on_behalf_of is not null`,

  'alter table audit_leaf rename column leaf_hash to content',

  // Full subtrees of 256 leaves, of 256 of those, and so on: what proofs are made of.
  `create table audit_node (
    level smallint not null,
    node_index bigint not null,
    hash bytea not null check (length(hash) = 32),
    primary key (level, node_index)
  )`,

  // What was done to the log lawfully, signed.
  `create table audit_receipt (
    id uuid primary key,
    kind text not null check (kind in ('key', 'erasure', 'retention')),
    tree_size bigint not null,
    note text not null,
    created_at timestamptz not null default now()
  )`,

  // What the personal fields of an erased row were committed to.
  `create table audit_erased (
    row_id uuid primary key,
    personal bytea not null check (length(personal) = 32),
    receipt_id uuid not null
  )`,
  ...['audit_node', 'audit_receipt', 'audit_erased'].flatMap(insertOnly),

  // Where the sequencer is. done: every row that this snapshot sees has its leaf.
  `create table audit_log_state (
    only_one boolean primary key default true check (only_one),
    tree_size bigint not null default 0,
    roots bytea not null default '',
    done pg_snapshot not null default '3:3:',
    target pg_snapshot,
    after_xact xid8,
    after_id uuid,
    restoring boolean not null default false
  )`,
  'insert into audit_log_state default values',

  `create table audit_hold (
    id uuid primary key,
    label text not null,
    from_at timestamptz not null,
    to_at timestamptz not null,
    placed_by text not null,
    placed_at timestamptz not null default now(),
    released_by text,
    released_at timestamptz,
    check (from_at < to_at)
  )`,

  // Work that was asked for: who asked, who approved, how far it is. attempt: the last try to do it.
  `create table audit_request (
    id uuid primary key,
    kind text not null check (kind in ('erasure', 'personal_horizon', 'retention', 'hold_release', 'verification')),
    parameters jsonb not null,
    state text not null check (state in ('waiting', 'approved', 'running', 'done', 'failed', 'refused')),
    requested_by jsonb not null,
    requested_at timestamptz not null default now(),
    decided_by jsonb,
    decided_at timestamptz,
    occurrence text,
    attempt integer not null default -1,
    progress jsonb,
    result jsonb,
    error text,
    finished_at timestamptz,
    unique (occurrence, kind),
    check (decided_by is null or (decided_by->>'type', decided_by->>'id') <> (requested_by->>'type', requested_by->>'id'))
  )`,

  // An erased row without the digest of what was erased would be lost to every proof.
  `create or replace function audit_allow_erasure_only() returns trigger language plpgsql as $$
  declare
    erased audit_event := old;
  begin
    ${personalColumns.map((column) => `erased.${column} := ${column === 'details' ? `'{}'` : 'null'};`).join('\n    ')}
    erased.salt := null;
    erased.erased_at := new.erased_at;
    if old.erased_at is null and new.erased_at is not null and new is not distinct from erased
      and coalesce(current_setting('countersign.erasing', true), '') = 'on'
      and exists (select from audit_erased where row_id = old.id)
      and not exists (
        select from pg_roles
        where rolname = 'countersign_eraser' and not pg_has_role(current_user, oid, 'member')
      )
    then
      return new;
    end if;
    raise exception 'The audit trail is append-only: UPDATE on % is refused.', tg_table_name
      using errcode = 'insufficient_privilege';
  end $$`,
]

/** Which server the sequencer counts the transactions of: a copy of the database may be in another one. */
export const clusterSchema: readonly string[] = [
  'alter table audit_log_state add column cluster bigint',
  'update audit_log_state set cluster = (select system_identifier from pg_control_system())',
]

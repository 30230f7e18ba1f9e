/** The statements that make the audit store, one by one; the same on PGlite and PostgreSQL. */
export const auditStoreSchema: readonly string[] = [
  `create table audit_event (
    id uuid not null,
    occurred_at timestamptz not null,
    event text not null,
    event_version smallint not null,
    outcome text not null check (outcome in ('success', 'failure', 'denied')),
    reason text,
    severity text not null,
    actor_type text not null check (actor_type in ('user', 'service', 'anonymous')),
    actor_id text,
    actor_label text,
    on_behalf_of jsonb,
    subject_type text,
    subject_id text,
    attempted_hash text,
    attempted_masked text,
    class_name text,
    method_name text,
    tenant text,
    session_id text,
    request_id text,
    address inet,
    proxy_chain jsonb,
    user_agent text,
    device jsonb,
    http_method text,
    route text,
    status smallint,
    duration_ms double precision not null,
    scope text,
    "limit" integer,
    retry_after integer,
    details jsonb not null,
    repeat_count integer,
    first_at timestamptz,
    last_at timestamptz,
    salt bytea default uuid_send(gen_random_uuid()),
    erased_at timestamptz,
    primary key (id)
  ) partition by range (id)`,

  'create index audit_event_event on audit_event (event, id)',
  'create index audit_event_actor on audit_event (actor_id, id) where actor_id is not null',
  'create index audit_event_subject on audit_event (subject_id, id) where subject_id is not null',
  'create index audit_event_attempted on audit_event (attempted_hash, id) where attempted_hash is not null',
  'create index audit_event_address on audit_event (address, id) where address is not null',
  'create index audit_event_request on audit_event (request_id, id) where request_id is not null',

  `create table audit_leaf (
    leaf_index bigint primary key,
    row_id uuid not null unique,
    leaf_hash bytea not null check (length(leaf_hash) = 32)
  )`,

  `create table audit_checkpoint (
    tree_size bigint primary key,
    root_hash bytea not null check (length(root_hash) = 32),
    note text not null,
    created_at timestamptz not null default now()
  )`,

  `create function audit_refuse_change() returns trigger language plpgsql as $$
  begin
    raise exception 'The audit trail is append-only: % on % is refused.', tg_op, tg_table_name
      using errcode = 'insufficient_privilege';
  end $$`,

  // Erasure is the one change: personal columns and the salt to null, erased_at from null, asked
  // for by the transaction itself and, where that role exists, by a member of the erasure role.
  `create function audit_allow_erasure_only() returns trigger language plpgsql as $$
  declare
    erased audit_event := old;
  begin
    erased.actor_label := null;
    erased.on_behalf_of := null;
    erased.attempted_hash := null;
    erased.attempted_masked := null;
    erased.session_id := null;
    erased.address := null;
    erased.proxy_chain := null;
    erased.user_agent := null;
    erased.device := null;
    erased.details := '{}';
    erased.salt := null;
    erased.erased_at := new.erased_at;
    if old.erased_at is null and new.erased_at is not null and new is not distinct from erased
      and coalesce(current_setting('countersign.erasing', true), '') = 'on'
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

  'create trigger audit_event_erasure before update on audit_event for each row execute function audit_allow_erasure_only()',
  'create trigger audit_event_delete before delete on audit_event for each row execute function audit_refuse_change()',
  'create trigger audit_event_truncate before truncate on audit_event execute function audit_refuse_change()',
  ...['audit_leaf', 'audit_checkpoint'].flatMap((table) => [
    `create trigger ${table}_change before update or delete on ${table} for each row execute function audit_refuse_change()`,
    `create trigger ${table}_truncate before truncate on ${table} execute function audit_refuse_change()`,
  ]),

  // The first id of a moment: 48 bits of milliseconds, then nothing.
  `create function audit_first_id(moment timestamptz) returns uuid language sql immutable as $$
    select (lpad(to_hex(floor(extract(epoch from moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
  $$`,

  // Makes the monthly partition that a moment falls into, once, however many processes ask.
  `create function audit_ensure_partition(moment timestamptz) returns text language plpgsql as $$
  declare
    month timestamp := date_trunc('month', moment at time zone 'UTC');
    name text := 'audit_event_' || to_char(month, 'YYYY_MM');
  begin
    if to_regclass(name) is null then
      perform pg_advisory_xact_lock(hashtext('audit_ensure_partition'));
      if to_regclass(name) is null then
        execute format(
          'create table %I partition of audit_event for values from (%L) to (%L)',
          name,
          audit_first_id(month at time zone 'UTC'),
          audit_first_id((month + interval '1 month') at time zone 'UTC')
        );
        -- Row triggers are inherited, statement triggers are not.
        execute format(
          'create trigger %I before truncate on %I execute function audit_refuse_change()',
          name || '_truncate',
          name
        );
      end if;
    end if;
    return name;
  end $$`,

  // Three months are always ahead; the sink asks again once a day.
  `create function audit_ensure_partitions() returns void language sql as $$
    select audit_ensure_partition(now() + make_interval(months => ahead)) from generate_series(0, 2) as ahead
  $$`,
  'select audit_ensure_partitions()',
]

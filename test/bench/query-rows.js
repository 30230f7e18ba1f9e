import { createHash } from 'node:crypto'
import pg from 'pg'

const events = [
  ...['token_refresh', 'login', 'document_read', 'invoice_payment', 'audit_read', 'logout', 'document_update'],
  ...['data_export', 'password_change', 'two_factor_challenge', 'profile_update', 'signup', 'email_change'],
  ...['password_reset_request', 'password_reset_confirm', 'two_factor_enable', 'two_factor_disable', 'backup_codes'],
  ...['account_verify', 'session_end', 'role_change', 'entity_create', 'entity_update', 'entity_delete'],
  ...['data_request', 'consent_change', 'social_login', 'api_key_create', 'tenant_create', 'tenant_delete'],
]
const people = 100_000
const addresses = 200_000

/** The one that is the `rank`th busiest: as many ranks, half as busy at twice the rank. */
export const eventOf = (rank) => events[rank - 1]
export const actorOf = (rank) =>
  createHash('md5')
    .update(`actor ${rank}`)
    .digest('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
export const addressOf = (rank) => `10.${rank >> 16}.${(rank >> 8) & 255}.${rank & 255}`

/** Rows `$1` up to `$2`, one every `$4` milliseconds from `$3` on. */
const insertion = `
  insert into audit_event (id, occurred_at, event, event_version, outcome, reason, severity, actor_type, actor_id,
    actor_label, subject_type, subject_id, attempted_hash, attempted_masked, class_name, method_name, tenant,
    session_id, request_id, address, proxy_chain, user_agent, device, http_method, route, status, duration_ms,
    scope, "limit", retry_after, details)
  select
    (moment || '7' || substr(digest, 1, 3) || substr('89ab', chance % 4 + 1, 1) || substr(digest, 4, 15))::uuid,
    to_timestamp(ms / 1000.0), event, 1, outcome,
    case outcome when 'failure' then 'bad_credentials' when 'denied' then 'throttled' end,
    case outcome when 'success' then 'info' else 'medium' end,
    case outcome when 'success' then 'user' else 'anonymous' end,
    case outcome when 'success' then person end,
    case outcome when 'success' then 'Person ' || person_rank end,
    case when other < 50 then 'user' else 'document' end,
    case when other < 50 then person else 'doc-' || chance % 5000000 end,
    case when outcome <> 'success' then substr(md5(person), 1, 22) end,
    case when outcome <> 'success' then substr(person, 1, 2) || '***@example.com' end,
    initcap(event) || 'Controller', 'post', 'tenant-' || person_rank % 50,
    substr(md5(person || chance % 5), 1, 22), md5(digest)::uuid::text,
    '10.0.0.0'::inet + address_rank, '[{"address": "10.255.0.1", "trusted": true}]',
    'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/' || 100 + other % 50 || '.0',
    '{"browser": "Firefox", "os": "Linux", "type": "desktop"}', 'POST', '/api/' || event || '/:id',
    case outcome when 'success' then 200 when 'failure' then 401 else 429 end, 1 + chance % 900 / 10.0,
    case outcome when 'denied' then 'login' end, case outcome when 'denied' then 10 end,
    case outcome when 'denied' then 60 end, jsonb_build_object('method', 'password', 'number', chance % 100000)
  from (
    select ms, lpad(to_hex(ms), 12, '0') as moment, md5(n || ' row') as digest, chance, other, person_rank, address_rank,
      md5('actor ' || person_rank)::uuid::text as person, ($5::text[])[event_rank] as event,
      case when luck < 0.88 then 'success' when luck < 0.98 then 'failure' else 'denied' end as outcome
    from (
      select n, ($3::float8 + n * $4::float8)::bigint as ms, random() as luck,
        (random() * 1000000000)::int as chance, (random() * 100)::int as other,
        floor(power(${events.length + 1}, random()))::int as event_rank,
        floor(power(${people + 1}, random()))::int as person_rank,
        floor(power(${addresses + 1}, random()))::int as address_rank
      from generate_series($1::int, $2::int - 1) as n
      offset 0
    ) as drawn
    offset 0
  ) as described`

/**
 * Fills an audit store with the rows of the twelve months up to now. Few of the people, addresses
 * and events have many of the rows, and most have few, as it is where people are.
 */
export async function fill(url, rows) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const from = await partitions(client)
    const rebuild = await withoutIndexes(client)
    await Promise.all([0, 1].map((half) => insertHalf(url, (rows / 2) * half, (rows / 2) * (half + 1), from, rows)))
    await client.query("set maintenance_work_mem = '512MB'")
    for (const index of rebuild) await client.query(index)
    await client.query('vacuum analyze audit_event')
  } finally {
    await client.end()
  }
}

/** Makes those of the last twelve months; answers where they begin. */
async function partitions(client) {
  await client.query(
    'select audit_ensure_partition(now() - make_interval(months => ago)) from generate_series(0, 11) as ago',
  )
  const { rows } = await client.query(
    "select extract(epoch from date_trunc('month', now() at time zone 'UTC') - interval '11 months')::float8 * 1000 as ms",
  )
  return rows[0].ms
}

/** A sorted build is ten times as quick as millions of insertions into an index, and leaves the same index. */
async function withoutIndexes(client) {
  const { rows } = await client.query(
    "select indexrelid::regclass as name, pg_get_indexdef(indexrelid) as definition from pg_index where indrelid = 'audit_event'::regclass and not indisprimary",
  )
  for (const { name } of rows) await client.query(`drop index ${name}`)
  return rows.map(({ definition }) => definition.replace(' ON ONLY ', ' ON '))
}

async function insertHalf(url, from, upTo, start, rows) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const step = (Date.now() - start) / rows
  try {
    await client.query('set synchronous_commit = off')
    for (let next = from; next < upTo; next += 100_000) {
      await client.query(insertion, [next, Math.min(next + 100_000, upTo), start, step, events])
    }
  } finally {
    await client.end()
  }
}

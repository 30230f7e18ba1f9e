import type { AuditRow, FloodLedger, FloodTally } from '@countersign/core'
import { Partitions } from './partitions.js'
import { decodeRow, encodeRows, listed, selectList } from './row-columns.js'
import type { SqlClient } from './sql-client.js'
import { isMissingPartition, isRowFault } from './sql-state.js'

const mostAtOnce = 1000

/** The columns of a row that is inserted from its JSON form, with some of them from elsewhere. */
const valuesWith = (others: Readonly<Record<string, string>>): string =>
  listed((name) => others[JSON.parse(name)] ?? `record.${name}`)
const names = listed((name) => name)
const recordOf = (json: string): string =>
  `json_to_record(${json}) as record(${listed((name, type) => `${name} ${type}`)})`

const put = `insert into audit_flood as stored (id, summary, repeat_count, last_at, closes_at)
  select (summary->>'id')::uuid, summary, (summary->>'repeat_count')::integer,
    (summary->>'last_at')::timestamptz, to_timestamp(closes_at / 1000)
  from rows from (json_array_elements($1::json), unnest($2::double precision[])) as given(summary, closes_at)
  on conflict (id) do update set
    summary = case when excluded.repeat_count >= stored.repeat_count then excluded.summary else stored.summary end,
    repeat_count = greatest(stored.repeat_count, excluded.repeat_count),
    last_at = greatest(stored.last_at, excluded.last_at)`

const close = `with given as (
    select (summary->>'id')::uuid as id, summary from json_array_elements($1::json) as summary
  ), forgotten as (
    delete from audit_flood as stored using given where stored.id = given.id
    returning stored.id, stored.repeat_count, stored.last_at
  )
  insert into audit_event (${names})
  select ${valuesWith({
    repeat_count: 'greatest(record.repeat_count, forgotten.repeat_count)',
    last_at: 'greatest(record.last_at, forgotten.last_at)',
  })}
  from given left join forgotten on forgotten.id = given.id, ${recordOf('given.summary')}
  on conflict (id) do nothing
  returning id, repeat_count`

// A process that was taken for dead may put a flood again that was closed: the row stays as it is, and
// the process is told when it closes.
const closeAbandoned = `with abandoned as (
    select id from audit_flood
    where closes_at < $1::timestamptz and ($2::uuid[] is null or id = any($2))
    order by closes_at limit ${mostAtOnce} for update skip locked
  ), forgotten as (
    delete from audit_flood as stored using abandoned where stored.id = abandoned.id returning stored.*
  )
  insert into audit_event (${names})
  select ${valuesWith({
    repeat_count: 'forgotten.repeat_count',
    last_at: 'forgotten.last_at',
  })}
  from forgotten, ${recordOf('forgotten.summary')}
  on conflict (id) do nothing
  returning ${selectList}`

interface Counted {
  readonly id: string
  readonly repeat_count: number
}

/** Counts floods in `audit_flood`. Who closes one that several want to close is settled by the database. */
export function floodLedger(client: SqlClient): FloodLedger {
  return {
    async put(tallies) {
      const closesAt = tallies.map((tally) => tally.closesAt.getTime())
      await client.query(put, [encodeRows(rowsOf(tallies)), closesAt], 'countersign-flood-put')
    },
    async close(tallies) {
      const rows = rowsOf(tallies)
      const parameter = encodeRows(rows)
      const run = (): Promise<Counted[]> => client.query<Counted>(close, [parameter], 'countersign-flood-close')
      const counts = await withPartitions(client, rows, run)
      const mine = new Set(counts.map(({ id }) => id))
      const others = rows.flatMap(({ id }) => (mine.has(id) ? [] : id))
      // A statement of its own: the first one began before the row that was in its way was there to be seen.
      if (others.length > 0) counts.push(...(await countsOf(client, others)))
      return new Map(counts.map(({ id, repeat_count }) => [id, repeat_count]))
    },
    async closeAbandoned(before) {
      const rows: AuditRow[] = []
      for (;;) {
        const closed = await closeSome(client, before)
        rows.push(...closed)
        if (closed.length < mostAtOnce) return rows
      }
    },
  }
}

function rowsOf(tallies: readonly FloodTally[]): AuditRow[] {
  return tallies.map(({ row }) => row)
}

function countsOf(client: SqlClient, ids: readonly string[]): Promise<Counted[]> {
  const text = 'select id, coalesce(repeat_count, 1) as repeat_count from audit_event where id = any($1::uuid[])'
  return client.query<Counted>(text, [ids])
}

async function closeSome(client: SqlClient, before: Date): Promise<AuditRow[]> {
  const moment = before.toISOString()
  const run = async (ids: readonly string[] | null): Promise<AuditRow[]> =>
    (await client.query<Record<string, unknown>>(closeAbandoned, [moment, ids])).map(decodeRow)
  try {
    return await run(null)
  } catch (cause) {
    if (!isRowFault(cause)) throw cause
  }
  // One that is refused must not keep the others from being closed.
  const text = `select id from audit_flood where closes_at < $1::timestamptz order by closes_at limit ${mostAtOnce}`
  const abandoned = await client.query<{ id: string }>(text, [moment])
  const rows: AuditRow[] = []
  for (const flood of abandoned) {
    try {
      rows.push(...(await withPartitions(client, [flood], () => run([flood.id]))))
    } catch (cause) {
      if (!isRowFault(cause)) throw cause
      await client.query("update audit_flood set closes_at = 'infinity' where id = $1", [flood.id])
    }
  }
  return rows
}

/** Runs an insert, again with the partitions of these ids where one was missing. */
async function withPartitions<Result>(
  client: SqlClient,
  rows: ReadonlyArray<{ readonly id: string }>,
  run: () => Promise<Result>,
): Promise<Result> {
  try {
    return await run()
  } catch (cause) {
    if (!isMissingPartition(cause)) throw cause
    await new Partitions(client).ensureFor(rows)
    return run()
  }
}

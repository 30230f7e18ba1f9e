import { AuditError, rowId } from '@countersign/core'
import type { SqlClient } from '../sql-client.js'

/** A legal hold: rows of these months are neither taken away nor erased while it lasts. */
export interface LegalHold {
  readonly id: string
  /** Why: a case number, for example. */
  readonly label: string
  /** Whole months, in UTC: the ones that the moments asked for are in. */
  readonly from: Date
  readonly to: Date
  readonly placedBy: string
  readonly placedAt: Date
  readonly releasedBy: string | null
  readonly releasedAt: Date | null
}

/** What a hold is made of. */
export interface HoldRequest {
  readonly label: string
  readonly from: Date
  readonly to: Date
}

interface HoldRecord extends Omit<LegalHold, 'from' | 'to' | 'placedAt' | 'releasedAt'> {
  readonly from: number
  readonly to: number
  readonly placedAt: number
  readonly releasedAt: number | null
}

const milliseconds = (column: string): string => `(extract(epoch from ${column}) * 1000)::float8`

const columns = `id, label, ${milliseconds('from_at')} as "from", ${milliseconds('to_at')} as "to", placed_by as "placedBy",
  ${milliseconds('placed_at')} as "placedAt", released_by as "releasedBy", ${milliseconds('released_at')} as "releasedAt"`

const monthOf = (parameter: string): string => `date_trunc('month', ${parameter}::timestamptz at time zone 'UTC')`

// What the database has no date for is as good as these.
const [earliest, latest] = [0, Date.parse('9999-12-31T00:00:00Z')]

/** The same moment, or the nearest one that a row could be of. */
export function withinRows(moment: Date): Date {
  return new Date(Math.min(Math.max(moment.getTime(), earliest), latest))
}

export async function placeHold(client: SqlClient, { label, from, to }: HoldRequest, by: string): Promise<LegalHold> {
  if (label.trim() === '' || !(from.getTime() < to.getTime()))
    throw new AuditError('HOLD_INVALID', 'A legal hold needs a label and a time that ends after it begins.')
  if (to.getTime() <= earliest || from.getTime() >= latest)
    throw new AuditError('HOLD_INVALID', 'No row can be of that time: it ends before 1970, or begins after 9999.')
  const [placed] = await client.query<HoldRecord>(
    `insert into audit_hold (id, label, from_at, to_at, placed_by) values ($1, $2,
      ${monthOf('$3')} at time zone 'UTC',
      (${monthOf(`($4::timestamptz - interval '1 millisecond')`)} + interval '1 month') at time zone 'UTC', $5)
    returning ${columns}`,
    [rowId(), label.trim(), withinRows(from), withinRows(to), by],
  )
  return holdOf(placed as HoldRecord)
}

/** @throws AuditError `HOLD_INVALID` where there is none of that id, or it was released already */
export async function releaseHold(client: SqlClient, id: string, by: string): Promise<LegalHold> {
  const [released] = await client.query<HoldRecord>(
    `update audit_hold set released_by = $2, released_at = now()
    where id::text = $1 and released_at is null returning ${columns}`,
    [id, by],
  )
  if (!released) throw new AuditError('HOLD_INVALID', 'There is no legal hold of that id that could be released.')
  return holdOf(released)
}

export async function allHolds(client: SqlClient): Promise<LegalHold[]> {
  return (await client.query<HoldRecord>(`select ${columns} from audit_hold order by placed_at`, [])).map(holdOf)
}

function holdOf({ from, to, placedAt, releasedAt, ...rest }: HoldRecord): LegalHold {
  return {
    ...rest,
    from: new Date(from),
    to: new Date(to),
    placedAt: new Date(placedAt),
    releasedAt: releasedAt === null ? null : new Date(releasedAt),
  }
}

import { isIP } from 'node:net'
import type { Actor, AuditRow, Device, Hop } from '@countersign/core'

/** What PostgreSQL takes as `inet`: an address without a zone. */
export function isInet(address: string | null | undefined): boolean {
  return address !== null && address !== undefined && isIP(address) !== 0 && !address.includes('%')
}

/** The columns of `audit_event` that a row fills, and their types. */
const types = {
  id: 'uuid',
  occurred_at: 'timestamptz',
  event: 'text',
  event_version: 'smallint',
  outcome: 'text',
  reason: 'text',
  severity: 'text',
  actor_type: 'text',
  actor_id: 'text',
  actor_label: 'text',
  on_behalf_of: 'jsonb',
  subject_type: 'text',
  subject_id: 'text',
  attempted_hash: 'text',
  attempted_masked: 'text',
  class_name: 'text',
  method_name: 'text',
  tenant: 'text',
  session_id: 'text',
  request_id: 'text',
  address: 'inet',
  proxy_chain: 'jsonb',
  user_agent: 'text',
  device: 'jsonb',
  http_method: 'text',
  route: 'text',
  status: 'smallint',
  duration_ms: 'double precision',
  scope: 'text',
  limit: 'integer',
  retry_after: 'integer',
  details: 'jsonb',
  repeat_count: 'integer',
  first_at: 'timestamptz',
  last_at: 'timestamptz',
  erased_at: 'timestamptz',
} as const

type Column = keyof typeof types
type ColumnType = (typeof types)[Column]

const columns = Object.entries(types) as ReadonlyArray<[Column, ColumnType]>
/** A list of the columns, each as the text that is made of its name and its type. */
export const listed = (text: (name: string, type: ColumnType) => string): string =>
  columns.map(([name, type]) => text(`"${name}"`, type)).join(', ')

/** The table, and the columns of it that {@link copyText} fills: the quickest way for one row as for a thousand. */
export const filledColumns: string = `audit_event (${listed((name) => name)})`

/** For any number of rows, with {@link encodeRows} as its one parameter; a row that is there already is left alone. */
export const insertRows: string = `insert into ${filledColumns}
  select * from json_to_recordset($1::json) as rows (${listed((name, type) => `${name} ${type}`)})
  on conflict (id) do nothing`

/** The parameter of {@link insertRows}. */
export function encodeRows(rows: readonly AuditRow[]): string {
  return JSON.stringify(rows.map(columnsOf))
}

/** Rows in the text format of `copy`: a line per row, a tab between columns. */
export function copyText(rows: readonly AuditRow[]): string {
  let text = ''
  for (const row of rows) {
    let tab = ''
    const filled = columnsOf(row)
    for (const name in filled) {
      text += tab + cell(filled[name as Column])
      tab = '\t'
    }
    text += '\n'
  }
  return text
}

/** A value in the text format of `copy`; null where it is null in JSON. */
function cell(value: unknown): string {
  if (typeof value === 'string') return escaped(value)
  if (value === null || value === undefined) return '\\N'
  if (typeof value === 'number') return Number.isFinite(value) ? `${value}` : '\\N'
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? '\\N' : value.toISOString()
  return escaped(JSON.stringify(value))
}

const special = /[\\\t\n\r]/
const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

function escaped(text: string): string {
  // Most text has nothing to escape, and looking is a tenth of replacing.
  return special.test(text) ? text.replace(/[\\\t\n\r]/g, (character) => escapes[character] as string) : text
}

/**
 * A row as the columns that it fills, in their order. Written out, because objects of one shape
 * are quick to make: three times as quick as a loop over the columns.
 */
function columnsOf(row: AuditRow): Record<Column, unknown> {
  const { actor, subject, attempted } = row
  return {
    id: row.id,
    occurred_at: row.occurredAt,
    event: row.event,
    event_version: row.eventVersion,
    outcome: row.outcome,
    reason: row.reason,
    severity: row.severity,
    actor_type: actor.type,
    actor_id: actor.id,
    actor_label: actor.label,
    on_behalf_of: row.onBehalfOf,
    subject_type: subject?.type,
    subject_id: subject?.id,
    attempted_hash: attempted?.hash,
    attempted_masked: attempted?.masked,
    class_name: row.className,
    method_name: row.methodName,
    tenant: row.tenant,
    session_id: row.sessionId,
    request_id: row.requestId,
    address: isInet(row.address) ? row.address : undefined,
    proxy_chain: row.proxies,
    user_agent: row.userAgent,
    device: row.device,
    http_method: row.httpMethod,
    route: row.route,
    status: row.status,
    duration_ms: row.durationMs,
    scope: row.scope,
    limit: row.limit,
    retry_after: row.retryAfter,
    details: row.details,
    repeat_count: row.repeatCount,
    first_at: row.firstAt,
    last_at: row.lastAt,
    erased_at: row.erasedAt,
  }
}

const selected: { readonly [Type in ColumnType]?: (name: string) => string } = {
  timestamptz: (name) => `(extract(epoch from ${name}) * 1000)::float8`,
  inet: (name) => `host(${name})`,
  jsonb: (name) => `${name}::text`,
}

/** The select list of {@link decodeRow}: forms that every driver reads the same. */
export const selectList: string = listed((name, type) => `${selected[type]?.(name) ?? name} as ${name}`)

/** A stored row as it was written. */
export function decodeRow(record: Readonly<Record<string, unknown>>): AuditRow {
  const at = (name: Column): unknown => record[name] ?? null
  const text = (name: Column): string | null => at(name) as string | null
  const number = (name: Column): number | null => (at(name) === null ? null : Number(at(name)))
  const date = (name: Column): Date | null => (at(name) === null ? null : new Date(number(name) as number))
  const json = (name: Column): unknown => (at(name) === null ? null : JSON.parse(at(name) as string))
  const [subjectType, subjectId] = [text('subject_type'), text('subject_id')]
  const [hash, masked] = [text('attempted_hash'), text('attempted_masked')]
  return {
    id: text('id') as string,
    occurredAt: date('occurred_at') as Date,
    event: text('event') as AuditRow['event'],
    eventVersion: number('event_version') as number,
    outcome: text('outcome') as AuditRow['outcome'],
    reason: text('reason'),
    severity: text('severity') as AuditRow['severity'],
    actor: actorOf(text('actor_type') as Actor['type'], text('actor_id'), text('actor_label')),
    onBehalfOf: json('on_behalf_of') as Actor | null,
    subject: subjectType !== null && subjectId !== null ? { type: subjectType, id: subjectId } : null,
    attempted: hash !== null && masked !== null ? { hash, masked } : null,
    className: text('class_name'),
    methodName: text('method_name'),
    tenant: text('tenant'),
    sessionId: text('session_id'),
    requestId: text('request_id'),
    address: text('address'),
    proxies: json('proxy_chain') as Hop[] | null,
    userAgent: text('user_agent'),
    device: json('device') as Device | null,
    httpMethod: text('http_method'),
    route: text('route'),
    status: number('status'),
    durationMs: number('duration_ms') as number,
    scope: text('scope'),
    limit: number('limit'),
    retryAfter: number('retry_after'),
    details: json('details') as AuditRow['details'],
    repeatCount: number('repeat_count'),
    firstAt: date('first_at'),
    lastAt: date('last_at'),
    erasedAt: date('erased_at'),
  }
}

function actorOf(type: Actor['type'], id: string | null, label: string | null): Actor {
  return { type, ...(id === null ? {} : { id }), ...(label === null ? {} : { label }) }
}

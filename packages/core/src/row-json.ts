import { AuditError } from './audit-error.js'
import { escapeUnsafe } from './clean-text.js'
import type { AuditRow } from './row.js'

type SnakeCase<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${SnakeCase<Rest>}`
  : Name
type JsonOf<Value> = Value extends Date ? string : Value

/** A row as JSON: the names in snake_case, the times in ISO 8601, the rest as it is. */
export type RowJson = { readonly [Field in keyof AuditRow as SnakeCase<Field>]: JsonOf<AuditRow[Field]> }

/**
 * A row as every file, log and API shows it; {@link rowFromJson} is the way back.
 *
 * @example
 * const { occurred_at, event, outcome } = rowToJson(row)
 */
export function rowToJson(row: AuditRow): RowJson {
  return {
    id: row.id,
    occurred_at: row.occurredAt.toISOString(),
    event: row.event,
    event_version: row.eventVersion,
    outcome: row.outcome,
    reason: row.reason,
    severity: row.severity,
    actor: row.actor,
    on_behalf_of: row.onBehalfOf,
    subject: row.subject,
    attempted: row.attempted,
    class_name: row.className,
    method_name: row.methodName,
    tenant: row.tenant,
    session_id: row.sessionId,
    request_id: row.requestId,
    address: row.address,
    proxies: row.proxies,
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
    first_at: row.firstAt?.toISOString() ?? null,
    last_at: row.lastAt?.toISOString() ?? null,
    erased_at: row.erasedAt?.toISOString() ?? null,
  }
}

/**
 * A row as one line of JSON, without the newline: whatever is in its texts, nothing in the line
 * can end it, or act on the terminal that shows it.
 *
 * @throws AuditError `ROW_INVALID` when its details are no JSON
 * @example
 * process.stdout.write(`${rowToLine(row)}\n`)
 */
export function rowToLine(row: AuditRow): string {
  try {
    return escapeUnsafe(JSON.stringify(rowToJson(row)))
  } catch (cause) {
    throw new AuditError('ROW_INVALID', 'A row can not be written as JSON. A trail makes no such row; make none.', {
      cause,
    })
  }
}

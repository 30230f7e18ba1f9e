import type { AuditRow } from '@countersign/core'

/** A row as the API shows it to an administrator. */
export function rowJson(row: AuditRow): Record<string, unknown> {
  return {
    ...ownRowJson(row),
    event_version: row.eventVersion,
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
    proxies: row.proxies,
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

/** A row as the person sees it whom it concerns: what, when, from where; nothing about others. */
export function ownRowJson(row: AuditRow): Record<string, unknown> {
  return {
    id: row.id,
    occurred_at: row.occurredAt,
    event: row.event,
    outcome: row.outcome,
    reason: row.reason,
    address: row.address,
    user_agent: row.userAgent,
    device: row.device,
  }
}

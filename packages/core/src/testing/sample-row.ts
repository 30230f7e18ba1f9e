import type { AuditRow } from '../row.js'
import { rowId, timeOfRowId } from '../row-id.js'

/** A complete, valid row with every field set, for tests of sinks, readers and exporters. */
export function sampleRow(changes: Partial<AuditRow> = {}): AuditRow {
  const id = changes.id ?? rowId()
  return {
    id,
    occurredAt: new Date(timeOfRowId(id)),
    event: 'login',
    eventVersion: 1,
    outcome: 'failure',
    reason: 'bad_credentials',
    severity: 'low',
    actor: { type: 'anonymous' },
    onBehalfOf: { type: 'service', id: 'importer' },
    subject: { type: 'user', id: 'u-1' },
    attempted: { hash: 'YXR0ZW1wdGVk', masked: 'a***@e***.org' },
    className: 'SessionController',
    methodName: 'login',
    tenant: 'acme',
    sessionId: 'c2Vzc2lvbg',
    requestId: 'req-1',
    address: '192.0.2.7',
    proxies: [
      { address: '10.0.0.1', trusted: true },
      { address: '192.0.2.7', trusted: false },
    ],
    userAgent: 'Mozilla/5.0 "quoted" \\ {braces}, commas; ünïcödé 🦊',
    device: { browser: 'Firefox', os: 'Linux', type: 'desktop' },
    httpMethod: 'POST',
    route: '/login',
    status: 401,
    durationMs: 12.345,
    scope: null,
    limit: null,
    retryAfter: null,
    details: { method: 'password', remember: true },
    repeatCount: null,
    firstAt: null,
    lastAt: null,
    erasedAt: null,
    ...changes,
  }
}

import { outcomes, severities } from './events.js'
import { type Actor, isActorType } from './identity.js'
import { redactFrozen } from './redact.js'
import type { AuditRow } from './row.js'
import {
  cleanActor,
  cleanAddress,
  cleanAttempted,
  cleanDevice,
  cleanHops,
  cleanSubject,
  foreign,
  longest,
} from './row-text.js'
import { maxInteger } from './whole-number.js'

/**
 * The last gate after somebody else's code has changed a row: every field is one that a row may
 * have, whatever came back. What makes no sense stays as it was.
 */
export function sealRow(row: AuditRow, changed: AuditRow): AuditRow {
  return {
    // What the attempt was, and when, is nobody's to say.
    id: row.id,
    occurredAt: row.occurredAt,
    event: row.event,
    eventVersion: whole(changed.eventVersion, row.eventVersion, maxSmall) ?? row.eventVersion,
    outcome: outcomes.includes(changed.outcome) ? changed.outcome : row.outcome,
    reason: foreign(changed.reason, longest.reason),
    severity: severities.includes(changed.severity) ? changed.severity : row.severity,
    actor: sealActor(row.actor, changed.actor),
    onBehalfOf: changed.onBehalfOf ? sealActor(row.onBehalfOf, changed.onBehalfOf) : null,
    subject: changed.subject ? cleanSubject(changed.subject) : null,
    attempted: changed.attempted ? cleanAttempted(changed.attempted) : null,
    className: foreign(changed.className, longest.className),
    methodName: foreign(changed.methodName, longest.methodName),
    tenant: foreign(changed.tenant, longest.tenant),
    sessionId: foreign(changed.sessionId, longest.sessionId),
    requestId: foreign(changed.requestId, longest.requestId),
    address: cleanAddress(changed.address),
    proxies: cleanHops(changed.proxies),
    userAgent: foreign(changed.userAgent, longest.userAgent),
    device: cleanDevice(changed.device),
    httpMethod: foreign(changed.httpMethod, longest.httpMethod),
    route: foreign(changed.route, longest.route),
    status: whole(changed.status, row.status, maxSmall),
    durationMs: Number.isFinite(changed.durationMs) ? changed.durationMs : row.durationMs,
    scope: foreign(changed.scope, longest.scope),
    limit: whole(changed.limit, row.limit),
    retryAfter: whole(changed.retryAfter, row.retryAfter),
    details: detailsOf(changed.details),
    repeatCount: whole(changed.repeatCount, row.repeatCount),
    firstAt: moment(changed.firstAt, row.firstAt),
    lastAt: moment(changed.lastAt, row.lastAt),
    erasedAt: moment(changed.erasedAt, row.erasedAt),
  }
}

function sealActor(original: Actor | null, changed: Actor): Actor {
  const type = isActorType(changed?.type) ? changed.type : original?.type
  return cleanActor({ ...changed, type: type ?? 'user' })
}

function detailsOf(details: unknown): AuditRow['details'] {
  const copy = redactFrozen(details)
  return (typeof copy === 'object' && copy !== null ? copy : {}) as AuditRow['details']
}

// What a store has room for.
const maxSmall = 32_767

function whole(value: unknown, original: number | null, limit: number = maxInteger): number | null {
  if (value === null) return null
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= limit ? (value as number) : original
}

function moment(value: unknown, original: Date | null): Date | null {
  if (value === null) return null
  return value instanceof Date && Number.isFinite(value.getTime()) ? value : original
}

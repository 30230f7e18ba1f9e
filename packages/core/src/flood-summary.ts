import { isDeepStrictEqual } from 'node:util'
import { type Actor, anonymous } from './identity.js'
import type { AuditRow } from './row.js'

/** A denial that got a row of its own, and stands for itself alone. */
export function countedOnce(row: AuditRow): AuditRow {
  return Object.freeze({ ...row, repeatCount: 1, firstAt: row.occurredAt, lastAt: row.occurredAt })
}

const noDetails: AuditRow['details'] = Object.freeze({})

/** The summary of a flood that begins with this row: without what belongs to one attempt alone. */
export function summaryOf(row: AuditRow): AuditRow {
  return { ...row, requestId: null, durationMs: 0, retryAfter: null, details: noDetails }
}

/** The same for denials of many keys: it names nobody. */
export function namelessSummaryOf(row: AuditRow): AuditRow {
  return {
    ...summaryOf(row),
    actor: anonymous,
    onBehalfOf: null,
    subject: null,
    attempted: null,
    tenant: null,
    sessionId: null,
    address: null,
    proxies: null,
    userAgent: null,
    device: null,
  }
}

// What two denials of one key may differ in.
const variable = [
  'onBehalfOf',
  'sessionId',
  'proxies',
  'userAgent',
  'device',
  'httpMethod',
  'route',
  'status',
  'limit',
] as const

/** The summary without what the next repeat says otherwise: it is true of all that it stands for. */
export function alsoTrueOf(next: AuditRow, summary: AuditRow): AuditRow {
  let changed = summary
  for (const field of variable) {
    const [said, says] = [summary[field], next[field]]
    if (said !== null && said !== says && !isDeepStrictEqual(said, says)) changed = { ...changed, [field]: null }
  }
  const { label } = summary.actor
  return label === undefined || label === next.actor.label ? changed : { ...changed, actor: unlabelled(summary.actor) }
}

function unlabelled({ label, ...actor }: Actor): Actor {
  return Object.freeze(actor)
}

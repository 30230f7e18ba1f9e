import type { AuditRow } from './row.js'

/**
 * Nobody that a row is shown to (a veto, a sink, a copy, a filter, a subscriber) can change it for
 * the others.
 */
export function freezeRow(row: AuditRow): AuditRow {
  Object.freeze(row.actor)
  Object.freeze(row.onBehalfOf)
  Object.freeze(row.subject)
  Object.freeze(row.attempted)
  Object.freeze(row.device)
  // Whatever made these has frozen them while it did.
  if (row.proxies && !Object.isFrozen(row.proxies)) freezeDeep(row.proxies)
  if (!Object.isFrozen(row.details)) freezeDeep(row.details)
  return Object.freeze(row)
}

/** Plain data, bounded in depth, without circles: what redaction leaves. */
function freezeDeep(value: object): void {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) freezeDeep(inner)
  Object.freeze(value)
}

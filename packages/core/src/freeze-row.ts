import type { AuditRow } from './row.js'

/**
 * Nobody that a row is shown to (a veto, a sink, a copy, a filter, a subscriber) can change it for
 * the others.
 */
export function freezeRow(row: AuditRow): AuditRow {
  const { actor, onBehalfOf, subject, attempted, device, proxies, details } = row
  Object.freeze(actor)
  if (onBehalfOf) Object.freeze(onBehalfOf)
  if (subject) Object.freeze(subject)
  if (attempted) Object.freeze(attempted)
  if (device) Object.freeze(device)
  if (proxies) freezeDeep(proxies)
  if (!Object.isFrozen(details)) freezeDeep(details)
  return Object.freeze(row)
}

/** Plain data, bounded in depth, without circles: what redaction leaves. */
function freezeDeep(value: object): void {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) freezeDeep(inner)
  Object.freeze(value)
}

import type { AuditRow } from './row.js'

/** The same denial: what happened, why, where, from where, and by whom or at whom. */
export function floodKey(row: AuditRow): string {
  const { actor } = row
  return JSON.stringify([
    row.event,
    row.reason,
    row.scope,
    row.className,
    row.methodName,
    row.tenant,
    row.address,
    row.attempted?.hash,
    actor.type,
    actor.id,
  ])
}

/** The same kind of denial, whoever it befell: values that code has, and clients don't choose. */
export function wideFloodKey({ event, reason, scope, className, methodName }: AuditRow): string {
  return JSON.stringify([event, reason, scope, className, methodName])
}

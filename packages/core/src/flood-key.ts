import type { AuditRow } from './row.js'

/** The same denial: what happened, why, where, from where, by whom, and at whom or what. */
export function floodKey(row: AuditRow): string {
  const { actor, subject } = row
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
    subject?.type,
    subject?.id,
  ])
}

/** The same kind of denial, whoever it befell: values that code has, and clients don't choose. */
export function wideFloodKey({ event, reason, scope, className, methodName }: AuditRow): string {
  return JSON.stringify([event, reason, scope, className, methodName])
}

import { AuditError } from './audit-error.js'
import type { AuditSpool } from './spool.js'

// Of one process: a spool that is an object here is nowhere else.
const taken = new WeakSet<AuditSpool>()

/** To be called when a trail has it: two that ship the same rows would take them from each other. */
export function takeSpool(spool: AuditSpool): void {
  taken.add(spool)
}

/** @throws AuditError `SPOOL_INVALID` where a trail had it, also one that is closed */
export function assertFree(spool: AuditSpool): void {
  if (!taken.has(spool)) return
  throw new AuditError(
    'SPOOL_INVALID',
    'This spool belongs to another trail. Make one for each: fileSpool({ folder }), also with the same folder.',
  )
}

import { AuditError } from './audit-error.js'

/** True where the row is at fault, and not the store: it would be refused again. */
export function isRowRefused(cause: unknown): boolean {
  return cause instanceof AuditError && (cause.code === 'ROW_REFUSED' || cause.code === 'ROW_INVALID')
}

import { type AuditMixin, auditMixin } from './audit-mixin.js'

/** What {@link withSessionRevokeAllAudit} hooks, unless another method is named. */
export interface SessionRevokeAllHandlers {
  deleteAll(...args: any[]): Promise<unknown>
}

/** Records every attempt to end all other sessions of a user. */
export const withSessionRevokeAllAudit: AuditMixin<SessionRevokeAllHandlers> = auditMixin({
  name: 'withSessionRevokeAllAudit',
  event: 'session_revoke_all',
  method: 'deleteAll',
})

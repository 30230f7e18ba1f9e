import { type AuditMixin, auditMixin } from './audit-mixin.js'

/** What {@link withSessionRevokeAudit} hooks, unless another method is named. */
export interface SessionRevokeHandlers {
  delete(...args: any[]): Promise<unknown>
}

/** Records every attempt to end one session from another one. */
export const withSessionRevokeAudit: AuditMixin<SessionRevokeHandlers> = auditMixin({
  name: 'withSessionRevokeAudit',
  event: 'session_revoke',
  method: 'delete',
})

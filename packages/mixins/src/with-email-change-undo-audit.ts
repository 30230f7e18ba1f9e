import { type AuditMixin, auditMixin } from './audit-mixin.js'

/** What {@link withEmailChangeUndoAudit} hooks, unless another method is named. */
export interface EmailChangeUndoHandlers {
  post(...args: any[]): Promise<unknown>
}

/** Records every attempt to take a change of the address back with a mailed token. */
export const withEmailChangeUndoAudit: AuditMixin<EmailChangeUndoHandlers> = auditMixin({
  name: 'withEmailChangeUndoAudit',
  event: 'email_change_undo',
  method: 'post',
})

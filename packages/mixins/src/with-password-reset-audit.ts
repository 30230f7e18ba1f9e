import { type AuditMixin, auditMixin } from './audit-mixin.js'

/** What {@link withPasswordResetAudit} hooks, unless another method is named. */
export interface PasswordResetConfirmHandlers {
  post(...args: any[]): Promise<unknown>
}

/** Records every attempt to set a new password by a reset link. */
export const withPasswordResetAudit: AuditMixin<PasswordResetConfirmHandlers> = auditMixin({
  name: 'withPasswordResetAudit',
  event: 'password_reset',
  method: 'post',
})

import { type AuditMixin, auditMixin } from './audit-mixin.js'

/** What {@link withPasswordResetAudit} hooks, unless another method is named. */
export interface PasswordResetHandlers {
  post(...args: any[]): Promise<unknown>
}

/** Records every attempt to set a new password by a reset link. */
export const withPasswordResetAudit: AuditMixin<PasswordResetHandlers> = auditMixin({
  name: 'withPasswordResetAudit',
  event: 'password_reset',
  method: 'post',
})

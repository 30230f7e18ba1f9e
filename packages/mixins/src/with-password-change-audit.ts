import { type AuditMixin, auditMixin } from './audit-mixin.js'

/** What {@link withPasswordChangeAudit} hooks, unless another method is named. */
export interface PasswordChangeHandlers {
  post(...args: any[]): Promise<unknown>
}

/** Records every attempt of a logged-in user to change the password. */
export const withPasswordChangeAudit: AuditMixin<PasswordChangeHandlers> = auditMixin({
  name: 'withPasswordChangeAudit',
  event: 'password_change',
  method: 'post',
})

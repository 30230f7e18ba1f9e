import { type AuditMixin, auditMixin } from './audit-mixin.js'
import { submittedEmail } from './submitted-email.js'

/** What {@link withFailedResetAudit} hooks, unless another method is named. */
export interface FailedResetHandlers {
  post(...args: any[]): Promise<unknown>
}

/** Records every request for a password reset, the refused and throttled ones included. */
export const withFailedResetAudit: AuditMixin<FailedResetHandlers> = auditMixin({
  name: 'withFailedResetAudit',
  event: 'password_reset_request',
  method: 'post',
  attempted: submittedEmail,
})

import { type AuditMixin, auditMixin } from './audit-mixin.js'

/** What {@link withEmailVerificationAudit} hooks, unless another method is named. */
export interface EmailVerificationHandlers {
  post(...args: any[]): Promise<unknown>
}

/** Records every attempt to verify an e-mail address. */
export const withEmailVerificationAudit: AuditMixin<EmailVerificationHandlers> = auditMixin({
  name: 'withEmailVerificationAudit',
  event: 'email_verification',
  method: 'post',
})

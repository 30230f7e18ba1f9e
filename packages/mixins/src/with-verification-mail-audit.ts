import { type AuditMixin, auditMixin } from './audit-mixin.js'
import { submittedEmail } from './submitted-email.js'

/** What {@link withVerificationMailAudit} hooks, unless another method is named. */
export interface VerificationMailHandlers {
  post(...args: any[]): Promise<unknown>
}

/** Records every request for another verification mail; the submitted `email` becomes the attempted identifier. */
export const withVerificationMailAudit: AuditMixin<VerificationMailHandlers> = auditMixin({
  name: 'withVerificationMailAudit',
  event: 'email_verification_request',
  method: 'post',
  attempted: submittedEmail,
})

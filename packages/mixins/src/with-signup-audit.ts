import { type AuditMixin, auditMixin } from './audit-mixin.js'
import { submittedEmail } from './submitted-email.js'

/** What {@link withSignupAudit} hooks, unless another method is named. */
export interface SignupHandlers {
  post(...args: any[]): Promise<unknown>
}

/** Records every attempt to sign up; the submitted `email` becomes the attempted identifier. */
export const withSignupAudit: AuditMixin<SignupHandlers> = auditMixin({
  name: 'withSignupAudit',
  event: 'signup',
  method: 'post',
  attempted: submittedEmail,
})

import { type AuditMixin, auditMixin } from './audit-mixin.js'
import { submittedEmail } from './submitted-email.js'

/** What {@link withLoginAudit} hooks, unless another method is named. */
export interface LoginHandlers {
  post(...args: any[]): Promise<unknown>
}

/** Records every attempt to log in; the submitted `email` becomes the attempted identifier. */
export const withLoginAudit: AuditMixin<LoginHandlers> = auditMixin({
  name: 'withLoginAudit',
  event: 'login',
  method: 'post',
  attempted: submittedEmail,
})

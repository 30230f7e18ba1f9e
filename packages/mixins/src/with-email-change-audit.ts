import { type AuditMixin, auditMixin } from './audit-mixin.js'

/** What {@link withEmailChangeAudit} hooks, unless another method is named. */
export interface EmailChangeHandlers {
  post(...args: any[]): Promise<unknown>
}

/** Records every attempt to confirm another address with a mailed token. */
export const withEmailChangeAudit: AuditMixin<EmailChangeHandlers> = auditMixin({
  name: 'withEmailChangeAudit',
  event: 'email_change',
  method: 'post',
})

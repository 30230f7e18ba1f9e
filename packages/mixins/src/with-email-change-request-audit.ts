import { type AuditMixin, auditMixin } from './audit-mixin.js'

/** What {@link withEmailChangeRequestAudit} hooks, unless another method is named. */
export interface EmailChangeRequestHandlers {
  post(...args: any[]): Promise<unknown>
}

/** Records every attempt of a logged-in user to get another address for the account. */
export const withEmailChangeRequestAudit: AuditMixin<EmailChangeRequestHandlers> = auditMixin({
  name: 'withEmailChangeRequestAudit',
  event: 'email_change_request',
  method: 'post',
})

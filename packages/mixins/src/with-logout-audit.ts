import { type AuditMixin, auditMixin } from './audit-mixin.js'

/** What {@link withLogoutAudit} hooks, unless another method is named. */
export interface LogoutHandlers {
  post(...args: any[]): Promise<unknown>
}

/** Records every attempt to log out. */
export const withLogoutAudit: AuditMixin<LogoutHandlers> = auditMixin({
  name: 'withLogoutAudit',
  event: 'logout',
  method: 'post',
})

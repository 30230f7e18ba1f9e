import { type AuditMixin, auditMixin } from './audit-mixin.js'

/** What {@link withTwoFactorDisableAudit} hooks, unless another method is named. */
export interface TwoFactorDisableHandlers {
  post(...args: any[]): Promise<unknown>
}

/** Records every attempt to switch a second factor off. */
export const withTwoFactorDisableAudit: AuditMixin<TwoFactorDisableHandlers> = auditMixin({
  name: 'withTwoFactorDisableAudit',
  event: 'two_factor_disable',
  method: 'post',
})

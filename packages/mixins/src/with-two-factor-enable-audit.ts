import { type AuditMixin, auditMixin } from './audit-mixin.js'

/** What {@link withTwoFactorEnableAudit} hooks, unless another method is named. */
export interface TwoFactorEnableHandlers {
  post(...args: any[]): Promise<unknown>
}

/** Records every attempt to confirm a second factor, and so to switch it on. */
export const withTwoFactorEnableAudit: AuditMixin<TwoFactorEnableHandlers> = auditMixin({
  name: 'withTwoFactorEnableAudit',
  event: 'two_factor_enable',
  method: 'post',
})

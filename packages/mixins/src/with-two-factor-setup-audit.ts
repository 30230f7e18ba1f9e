import { type AuditMixin, auditMixin } from './audit-mixin.js'

/** What {@link withTwoFactorSetupAudit} hooks, unless another method is named. */
export interface TwoFactorSetupHandlers {
  post(...args: any[]): Promise<unknown>
}

/** Records every request for a new secret of a second factor. */
export const withTwoFactorSetupAudit: AuditMixin<TwoFactorSetupHandlers> = auditMixin({
  name: 'withTwoFactorSetupAudit',
  event: 'two_factor_setup',
  method: 'post',
})

import { type AuditMixin, auditMixin } from './audit-mixin.js'

/** What {@link withTwoFactorChallengeAudit} hooks, unless another method is named. */
export interface TwoFactorChallengeHandlers {
  post(...args: any[]): Promise<unknown>
}

/** Records every code that is submitted to complete a login. */
export const withTwoFactorChallengeAudit: AuditMixin<TwoFactorChallengeHandlers> = auditMixin({
  name: 'withTwoFactorChallengeAudit',
  event: 'two_factor_challenge',
  method: 'post',
})

import { type AuditMixin, auditMixin } from './audit-mixin.js'

/** What {@link withTokenRefreshAudit} hooks, unless another method is named. */
export interface TokenRefreshHandlers {
  post(...args: any[]): Promise<unknown>
}

/** Records every attempt to exchange a refresh token. */
export const withTokenRefreshAudit: AuditMixin<TokenRefreshHandlers> = auditMixin({
  name: 'withTokenRefreshAudit',
  event: 'token_refresh',
  method: 'post',
})

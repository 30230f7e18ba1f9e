import { type AuditMixin, auditMixin } from './audit-mixin.js'

/** What {@link withProfileUpdateAudit} hooks, unless another method is named. */
export interface ProfileUpdateHandlers {
  patch(...args: any[]): Promise<unknown>
}

/** Records every attempt of a user to change what the profile says. */
export const withProfileUpdateAudit: AuditMixin<ProfileUpdateHandlers> = auditMixin({
  name: 'withProfileUpdateAudit',
  event: 'profile_update',
  method: 'patch',
})

import { type AuditMixin, auditMixin } from './audit-mixin.js'

/** What {@link withBackupCodesAudit} hooks, unless another method is named. */
export interface BackupCodesHandlers {
  post(...args: any[]): Promise<unknown>
}

/** Records every request for new backup codes. */
export const withBackupCodesAudit: AuditMixin<BackupCodesHandlers> = auditMixin({
  name: 'withBackupCodesAudit',
  event: 'backup_codes_regenerate',
  method: 'post',
})

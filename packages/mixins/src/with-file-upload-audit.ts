import { type AuditMixin, auditMixin } from './audit-mixin.js'

/** What {@link withFileUploadAudit} hooks, unless another method is named. */
export interface FileUploadHandlers {
  post(...args: any[]): Promise<unknown>
}

/** Records every attempt to upload a file. */
export const withFileUploadAudit: AuditMixin<FileUploadHandlers> = auditMixin({
  name: 'withFileUploadAudit',
  event: 'file_upload',
  method: 'post',
})

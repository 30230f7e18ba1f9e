export { AbstractSignalMixin, type AuditedMethods, type SignalSource } from './abstract-signal-mixin.js'
export { AuditEvent } from './audit-event.js'
export type { AuditEventOptions } from './audit-event-options.js'
export {
  type AuditedController,
  type AuditMixin,
  type AuditMixinDeclaration,
  type AuditMixinOptions,
  auditMixin,
} from './audit-mixin.js'
export {
  assignsClassName,
  type ControllerFacts,
  type ControllerFault,
  factsOf,
  factsOfClass,
  faultsOf,
} from './controller-facts.js'
export type { HandlerDecorator } from './decorated-method.js'
export {
  type FromArguments,
  type Hook,
  hooksOf,
  hooksOfMethod,
  isHooked,
  lineage,
  type MethodHooks,
  nameOf,
  type ThrottleHook,
} from './hooks.js'
export { mix } from './mix.js'
export type { AnyClass, AsyncHandler, HandlerNamed, MixinBase } from './mixin-base.js'
export { Throttle } from './throttle.js'
export type { ThrottleOptions } from './throttle-options.js'
export { reserveAddress } from './throttling.js'
export { type BackupCodesHandlers, withBackupCodesAudit } from './with-backup-codes-audit.js'
export { type EmailChangeHandlers, withEmailChangeAudit } from './with-email-change-audit.js'
export { type EmailChangeRequestHandlers, withEmailChangeRequestAudit } from './with-email-change-request-audit.js'
export { type EmailChangeUndoHandlers, withEmailChangeUndoAudit } from './with-email-change-undo-audit.js'
export { type EmailVerificationHandlers, withEmailVerificationAudit } from './with-email-verification-audit.js'
export { type FailedResetHandlers, withFailedResetAudit } from './with-failed-reset-audit.js'
export { type FileUploadHandlers, withFileUploadAudit } from './with-file-upload-audit.js'
export { type LoginHandlers, withLoginAudit } from './with-login-audit.js'
export { type LogoutHandlers, withLogoutAudit } from './with-logout-audit.js'
export { type PasswordChangeHandlers, withPasswordChangeAudit } from './with-password-change-audit.js'
export { type PasswordResetHandlers, withPasswordResetAudit } from './with-password-reset-audit.js'
export { type ProfileUpdateHandlers, withProfileUpdateAudit } from './with-profile-update-audit.js'
export { type SessionRevokeAllHandlers, withSessionRevokeAllAudit } from './with-session-revoke-all-audit.js'
export { type SessionRevokeHandlers, withSessionRevokeAudit } from './with-session-revoke-audit.js'
export { type SignupHandlers, withSignupAudit } from './with-signup-audit.js'
export { type WithThrottleOptions, withThrottle } from './with-throttle.js'
export { type TokenRefreshHandlers, withTokenRefreshAudit } from './with-token-refresh-audit.js'
export { type TwoFactorChallengeHandlers, withTwoFactorChallengeAudit } from './with-two-factor-challenge-audit.js'
export { type TwoFactorDisableHandlers, withTwoFactorDisableAudit } from './with-two-factor-disable-audit.js'
export { type TwoFactorEnableHandlers, withTwoFactorEnableAudit } from './with-two-factor-enable-audit.js'
export { type TwoFactorSetupHandlers, withTwoFactorSetupAudit } from './with-two-factor-setup-audit.js'
export { type VerificationMailHandlers, withVerificationMailAudit } from './with-verification-mail-audit.js'

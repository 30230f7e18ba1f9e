export type { StoreLocation } from '@countersign/adapters/mikro-orm'
export { Secrets, secretOfFolder } from '@countersign/core/keys'
export type { Accounts } from './accounts/accounts.js'
export type { EmailChange, EmailChanges } from './accounts/email-changes.js'
export type { VerificationMails } from './accounts/verification-mails.js'
export { type AdminLinkOptions, adminLink } from './admin/admin-links.js'
export type { UserAdministration } from './admin/user-administration.js'
export type { UserDirectory, UserFilters } from './admin/user-directory.js'
export type { AuditWork } from './audit/audit-work.js'
export { authControllers } from './auth-controllers.js'
export { type AuthServer, createAuthServer } from './auth-server.js'
export type { AuthServices } from './auth-services.js'
export {
  type AccessTokenSettings,
  type AuditLogSettings,
  type AuthSettings,
  type CookieSettings,
  defaultLimits,
  type RefreshTokenSettings,
} from './auth-settings.js'
export { AdminSigningKeysController } from './controllers/admin-signing-keys-controller.js'
export { AdminUsersController } from './controllers/admin-users-controller.js'
export { AuditEventsController } from './controllers/audit-events-controller.js'
export { AuditHoldsController } from './controllers/audit-holds-controller.js'
export { AuditLogController } from './controllers/audit-log-controller.js'
export { AuditRequestsController } from './controllers/audit-requests-controller.js'
export { BackupCodesController } from './controllers/backup-codes-controller.js'
export { BearerLoginController } from './controllers/bearer-login-controller.js'
export { BearerRefreshController } from './controllers/bearer-refresh-controller.js'
export { ChangeEmailConfirmController } from './controllers/change-email-confirm-controller.js'
export { ChangeEmailController } from './controllers/change-email-controller.js'
export { ChangeEmailUndoController } from './controllers/change-email-undo-controller.js'
export { ChangePasswordController } from './controllers/change-password-controller.js'
export { CsrfController } from './controllers/csrf-controller.js'
export { LoginController } from './controllers/login-controller.js'
export { LoginHistoryController } from './controllers/login-history-controller.js'
export { LogoutController } from './controllers/logout-controller.js'
export { PasswordResetConfirmController } from './controllers/password-reset-confirm-controller.js'
export { PasswordResetController } from './controllers/password-reset-controller.js'
export { ProfileController } from './controllers/profile-controller.js'
export { PublicKeysController } from './controllers/public-keys-controller.js'
export { RefreshController } from './controllers/refresh-controller.js'
export { SessionsController } from './controllers/sessions-controller.js'
export { SignupController } from './controllers/signup-controller.js'
export { TokenVerifyController } from './controllers/token-verify-controller.js'
export { TwoFactorDisableController } from './controllers/two-factor-disable-controller.js'
export { TwoFactorEnableController } from './controllers/two-factor-enable-controller.js'
export { TwoFactorSetupController } from './controllers/two-factor-setup-controller.js'
export { VerificationMailController } from './controllers/verification-mail-controller.js'
export { VerifyAccountController } from './controllers/verify-account-controller.js'
export { VerifyLoginController } from './controllers/verify-login-controller.js'
export { type Feature, type Features, featureControllers } from './extending/features.js'
export {
  overriding,
  type ReplaceableServices,
  type ServiceInterface,
  type ServiceParts,
  type ServiceReplacements,
} from './extending/service-replacements.js'
export type { KnownDevice, KnownDevices } from './limits/known-devices.js'
export {
  defaultLockouts,
  type GrowingLockoutRule,
  type LockoutRule,
  type LockoutSettings,
} from './limits/lockout-rules.js'
export type { Lockouts, SecretAttempt } from './limits/lockouts.js'
export type { Mails } from './mails/mails.js'
export type { BreachedPasswords, BreachedPasswordsSettings } from './passwords/breached-passwords.js'
export type { PasswordChanges } from './passwords/password-changes.js'
export {
  type Argon2idCost,
  argon2idHasher,
  defaultArgon2idCost,
  type PasswordHasher,
} from './passwords/password-hasher.js'
export type { PasswordResets } from './passwords/password-resets.js'
export { defaultPasswordPolicy, type PasswordPolicy } from './passwords/passwords.js'
export { faultOfRangesUrl } from './passwords/ranges-url.js'
export { Consent, Profile } from './profiles/profile-entities.js'
export type { ProfileFields, Profiles } from './profiles/profiles.js'
export type { CsrfTokens } from './sessions/csrf-tokens.js'
export { callerOf, currentUser, principalOf } from './sessions/principals.js'
export type { Caller, RequestGuard } from './sessions/request-guard.js'
export type { SessionCookies } from './sessions/session-cookies.js'
export type { SessionList, SessionPage } from './sessions/session-list.js'
export type {
  OpenedSession,
  Principal,
  SessionLifetime,
  SessionLifetimes,
  SessionOptions,
  SessionOwner,
  Sessions,
} from './sessions/sessions.js'
export type { SigningAlgorithm, SigningKeys } from './sessions/signing-keys.js'
export { settingNames } from './settings/check-settings.js'
export { weaknessOf } from './settings/weak-secret.js'
export { type Database, type OwnEntity, type OwnSchema, openDatabase } from './store/database.js'
export { databaseState } from './store/database-state.js'
export { Mail, OneTimeToken, Session, User } from './store/entities.js'
export { authMigrations } from './store/migrations.js'
export { defaultLinkLifetimes, type LinkLifetimes, OneTimeTokens, type TokenPurpose } from './store/one-time-tokens.js'
export { type RedisClient, redisState } from './store/redis-state.js'
export type { ShortLivedState } from './store/short-lived-state.js'
export type { Chore, Sweeper } from './store/sweeper.js'
export type { TwoFactorRoom } from './two-factor/assemble-two-factor.js'
export type { Logins } from './two-factor/logins.js'
export type { SecondFactors } from './two-factor/second-factors.js'
export type { TwoFactorChanges } from './two-factor/two-factor-changes.js'
export { BackupCode, SecondFactor } from './two-factor/two-factor-entities.js'
export type { TwoFactorSettings } from './two-factor/two-factor-settings.js'
export { AuthRefusal } from './web/auth-refusal.js'
export { HostCookie } from './web/host-cookies.js'
export { type AuthControllerClass, provided } from './web/provided.js'
export { SignupRequest } from './web/request-bodies.js'

import { AdminSigningKeysController } from './controllers/admin-signing-keys-controller.js'
import { AdminUsersController } from './controllers/admin-users-controller.js'
import { AuditEventsController } from './controllers/audit-events-controller.js'
import { AuditHoldsController } from './controllers/audit-holds-controller.js'
import { AuditLogController } from './controllers/audit-log-controller.js'
import { AuditRequestsController } from './controllers/audit-requests-controller.js'
import { BackupCodesController } from './controllers/backup-codes-controller.js'
import { BearerLoginController } from './controllers/bearer-login-controller.js'
import { BearerRefreshController } from './controllers/bearer-refresh-controller.js'
import { ChangeEmailConfirmController } from './controllers/change-email-confirm-controller.js'
import { ChangeEmailController } from './controllers/change-email-controller.js'
import { ChangeEmailUndoController } from './controllers/change-email-undo-controller.js'
import { ChangePasswordController } from './controllers/change-password-controller.js'
import { CsrfController } from './controllers/csrf-controller.js'
import { LoginController } from './controllers/login-controller.js'
import { LoginHistoryController } from './controllers/login-history-controller.js'
import { LogoutController } from './controllers/logout-controller.js'
import { PasswordResetConfirmController } from './controllers/password-reset-confirm-controller.js'
import { PasswordResetController } from './controllers/password-reset-controller.js'
import { ProfileController } from './controllers/profile-controller.js'
import { PublicKeysController } from './controllers/public-keys-controller.js'
import { RefreshController } from './controllers/refresh-controller.js'
import { SessionsController } from './controllers/sessions-controller.js'
import { SignupController } from './controllers/signup-controller.js'
import { TokenVerifyController } from './controllers/token-verify-controller.js'
import { TwoFactorDisableController } from './controllers/two-factor-disable-controller.js'
import { TwoFactorEnableController } from './controllers/two-factor-enable-controller.js'
import { TwoFactorSetupController } from './controllers/two-factor-setup-controller.js'
import { VerificationMailController } from './controllers/verification-mail-controller.js'
import { VerifyAccountController } from './controllers/verify-account-controller.js'
import { VerifyLoginController } from './controllers/verify-login-controller.js'
import type { AuthControllerClass } from './web/provided.js'

/** Every controller of the reference system; a server serves them all. */
export const authControllers: readonly AuthControllerClass[] = Object.freeze([
  SignupController,
  VerifyAccountController,
  VerificationMailController,
  LoginController,
  LogoutController,
  RefreshController,
  BearerLoginController,
  BearerRefreshController,
  TokenVerifyController,
  PublicKeysController,
  CsrfController,
  SessionsController,
  PasswordResetController,
  PasswordResetConfirmController,
  ChangePasswordController,
  TwoFactorSetupController,
  TwoFactorEnableController,
  TwoFactorDisableController,
  BackupCodesController,
  VerifyLoginController,
  ChangeEmailController,
  ChangeEmailConfirmController,
  ChangeEmailUndoController,
  LoginHistoryController,
  ProfileController,
  AdminUsersController,
  AdminSigningKeysController,
  AuditEventsController,
  AuditLogController,
  AuditRequestsController,
  AuditHoldsController,
])

import { AdminSigningKeysController } from '../controllers/admin-signing-keys-controller.js'
import { AdminUsersController } from '../controllers/admin-users-controller.js'
import { AuditEventsController } from '../controllers/audit-events-controller.js'
import { AuditHoldsController } from '../controllers/audit-holds-controller.js'
import { AuditLogController } from '../controllers/audit-log-controller.js'
import { AuditRequestsController } from '../controllers/audit-requests-controller.js'
import { BackupCodesController } from '../controllers/backup-codes-controller.js'
import { BearerLoginController } from '../controllers/bearer-login-controller.js'
import { BearerRefreshController } from '../controllers/bearer-refresh-controller.js'
import { ChangeEmailConfirmController } from '../controllers/change-email-confirm-controller.js'
import { ChangeEmailController } from '../controllers/change-email-controller.js'
import { ChangeEmailUndoController } from '../controllers/change-email-undo-controller.js'
import { ChangePasswordController } from '../controllers/change-password-controller.js'
import { LoginHistoryController } from '../controllers/login-history-controller.js'
import { PasswordResetConfirmController } from '../controllers/password-reset-confirm-controller.js'
import { PasswordResetController } from '../controllers/password-reset-controller.js'
import { ProfileController } from '../controllers/profile-controller.js'
import { PublicKeysController } from '../controllers/public-keys-controller.js'
import { SessionsController } from '../controllers/sessions-controller.js'
import { SignupController } from '../controllers/signup-controller.js'
import { TokenVerifyController } from '../controllers/token-verify-controller.js'
import { TwoFactorDisableController } from '../controllers/two-factor-disable-controller.js'
import { TwoFactorEnableController } from '../controllers/two-factor-enable-controller.js'
import { TwoFactorSetupController } from '../controllers/two-factor-setup-controller.js'
import { VerificationMailController } from '../controllers/verification-mail-controller.js'
import type { AuthControllerClass } from '../web/provided.js'

/**
 * What can be switched off, and whose routes go with it. The rest is always there: verification of what was signed
 * up for, login, its second factor where an account has one, refresh and logout.
 */
export const featureControllers = {
  signup: [SignupController, VerificationMailController],
  passwordReset: [PasswordResetController, PasswordResetConfirmController],
  passwordChange: [ChangePasswordController],
  emailChange: [ChangeEmailController, ChangeEmailConfirmController, ChangeEmailUndoController],
  twoFactor: [TwoFactorSetupController, TwoFactorEnableController, TwoFactorDisableController, BackupCodesController],
  tokens: [BearerLoginController, BearerRefreshController, TokenVerifyController, PublicKeysController],
  sessions: [SessionsController],
  loginHistory: [LoginHistoryController],
  profiles: [ProfileController],
  admin: [AdminUsersController, AdminSigningKeysController],
  audit: [AuditEventsController, AuditLogController, AuditRequestsController, AuditHoldsController],
} as const satisfies Readonly<Record<string, readonly AuthControllerClass[]>>

/** A part of the system that can be switched off. */
export type Feature = keyof typeof featureControllers

/** Which parts are off: `false` takes their routes away. */
export type Features = { readonly [Name in Feature]?: boolean }

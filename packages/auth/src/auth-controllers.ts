import { AuditEventsController } from './controllers/audit-events-controller.js'
import { LoginController } from './controllers/login-controller.js'
import { LoginHistoryController } from './controllers/login-history-controller.js'
import { LogoutController } from './controllers/logout-controller.js'
import { PasswordResetController } from './controllers/password-reset-controller.js'
import { SignupController } from './controllers/signup-controller.js'
import { VerifyAccountController } from './controllers/verify-account-controller.js'

/** Every controller of the reference system, as the server registers them. */
export const authControllers = [
  SignupController,
  VerifyAccountController,
  LoginController,
  LogoutController,
  PasswordResetController,
  LoginHistoryController,
  AuditEventsController,
] as const

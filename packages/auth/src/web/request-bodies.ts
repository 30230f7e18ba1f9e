import { IsBoolean } from 'class-validator'
import { Optional, SafeText } from './body-rules.js'

/** The body of POST `signup`. */
export class SignupRequest {
  @SafeText(320) email!: string
  @SafeText(1024) password!: string
  @SafeText(1024) confirm_password!: string
  /** Where accounts have user names. */
  @Optional() @SafeText(64) username?: string
}

/** The body of POST `verify-account`. */
export class TokenRequest {
  @SafeText(512) token!: string
}

/** The body of POST `login`. */
export class LoginRequest {
  @SafeText(320) email!: string
  @SafeText(1024) password!: string
  @Optional() @IsBoolean() remember_me?: boolean
}

/** The body of POST `password-reset`, and of POST `verify-account/resend`. */
export class EmailRequest {
  @SafeText(320) email!: string
}

/** The body of POST `password-reset-confirm`. */
export class PasswordResetConfirmRequest {
  @SafeText(512) token!: string
  @SafeText(1024) password!: string
  @SafeText(1024) confirm_password!: string
}

/** The body of POST `change-password`. */
export class ChangePasswordRequest {
  @SafeText(1024) current_password!: string
  @SafeText(1024) password!: string
  @SafeText(1024) confirm_password!: string
}

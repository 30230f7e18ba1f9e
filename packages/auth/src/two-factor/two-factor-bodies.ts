import { Optional, SafeText } from '../web/body-rules.js'

// A code and how people group it: never long.
const longestCode = 64

/** The body of POST `2fa/setup`. */
export class TwoFactorSetupRequest {
  @Optional() @SafeText(1024) password?: string
}

/** The body of POST `2fa/enable`. */
export class TwoFactorEnableRequest {
  @SafeText(longestCode) code!: string
}

/** The body of POST `2fa/disable`. */
export class TwoFactorDisableRequest {
  @SafeText(1024) password!: string
  @SafeText(longestCode) code!: string
}

/** The body of POST `2fa/backup-codes`. */
export class BackupCodesRequest {
  @SafeText(1024) password!: string
}

/** The body of POST `2fa/verify-login`. */
export class VerifyLoginRequest {
  @SafeText(512) session_token!: string
  @SafeText(longestCode) code!: string
}

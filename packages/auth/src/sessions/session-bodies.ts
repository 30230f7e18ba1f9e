import { IsBoolean, IsInt, Max, Min } from 'class-validator'
import { Optional, SafeText } from '../web/body-rules.js'

/** The body of POST `token`. */
export class BearerLoginRequest {
  @SafeText(320) email!: string
  @SafeText(1024) password!: string
  @Optional() @IsBoolean() remember_me?: boolean
}

/** The body of POST `token/refresh`. */
export class BearerRefreshRequest {
  @SafeText(4096) refresh!: string
}

/** The body of POST `token/verify`. */
export class TokenVerifyRequest {
  @SafeText(4096) token!: string
}

/** The body of POST `admin/signing-keys/rotation`. */
export class KeyRotationRequest {
  /** Seconds that the key before goes on verifying; 0 for one that somebody got hold of. */
  @Optional() @IsInt() @Min(0) @Max(2_592_000) overlap?: number
}

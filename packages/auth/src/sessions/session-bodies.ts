import { IsBoolean } from 'class-validator'
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

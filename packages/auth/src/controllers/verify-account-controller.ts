import { Throttle, withEmailVerificationAudit } from '@countersign/mixins'
import { Body, HttpCode, JsonController, Post } from 'routing-controllers'
import { publicUser } from '../accounts/public-user.js'
import type { AuthServices } from '../auth-services.js'
import { currentUser } from '../sessions/principals.js'
import { TokenRequest } from '../web/request-bodies.js'

@JsonController('/api/auth/verify-account')
class VerifyAccount {
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @Throttle('verify_account')
  @HttpCode(200)
  @Post()
  async post(@Body() { token }: TokenRequest) {
    return { user: publicUser(await this.#services.accounts.verify(token)) }
  }
}

/** POST `verify-account`: uses the mailed token; a GET of the same address shows a page and changes nothing. */
export class VerifyAccountController extends withEmailVerificationAudit(VerifyAccount) {
  static readonly className: string = 'VerifyAccountController'
  static readonly actor = currentUser
}

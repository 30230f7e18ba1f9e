import { Throttle, withFailedResetAudit } from '@countersign/mixins'
import { Body, HttpCode, JsonController, Post } from 'routing-controllers'
import type { AuthServices } from '../auth-services.js'
import { currentUser } from '../sessions/principals.js'
import { EmailRequest } from '../web/request-bodies.js'

@JsonController('/api/auth/password-reset')
class PasswordReset {
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @Throttle('password_reset')
  @HttpCode(202)
  @Post()
  async post(@Body() { email }: EmailRequest) {
    await this.#services.passwordResets.request(email)
    return { detail: 'If there is an account with this address, a mail with a link is on its way to it.' }
  }
}

/** POST `password-reset`: the same answer whether or not there is an account. */
export class PasswordResetController extends withFailedResetAudit(PasswordReset) {
  static readonly className: string = 'PasswordResetController'
  static readonly actor = currentUser
}

import { Throttle, withPasswordResetAudit } from '@countersign/mixins'
import { Body, HttpCode, JsonController, Post } from 'routing-controllers'
import type { AuthServices } from '../auth-services.js'
import { chosenPassword } from '../passwords/chosen-password.js'
import { currentUser } from '../sessions/principals.js'
import { PasswordResetConfirmRequest } from '../web/request-bodies.js'

@JsonController('/api/auth/password-reset-confirm')
class PasswordResetConfirm {
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @Throttle('password_reset_confirm')
  @HttpCode(200)
  @Post()
  async post(@Body() body: PasswordResetConfirmRequest) {
    await this.#services.passwordResets.confirm(body.token, chosenPassword(body))
    return { detail: 'The new password is set, and every session was ended. Please log in.' }
  }
}

/** POST `password-reset-confirm`: uses the mailed token; signs out everywhere, and nobody in. */
export class PasswordResetConfirmController extends withPasswordResetAudit(PasswordResetConfirm) {
  static readonly className: string = 'PasswordResetConfirmController'
  static readonly actor = currentUser
}

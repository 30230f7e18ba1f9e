import { Throttle, withPasswordResetAudit } from '@countersign/mixins'
import type { Request } from 'express'
import { Body, HttpCode, JsonController, Post, Req } from 'routing-controllers'
import type { AuthServices } from '../auth-services.js'
import { deviceOf } from '../limits/known-devices.js'
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
  async post(@Body() body: PasswordResetConfirmRequest, @Req() request: Request) {
    await this.#services.passwordResets.confirm(body.token, chosenPassword(body), deviceOf(request))
    return { detail: 'The new password is set, and every session was ended. Please log in.' }
  }
}

/** POST `password-reset-confirm`: uses the mailed token; signs out everywhere, and nobody in. */
export class PasswordResetConfirmController extends withPasswordResetAudit(PasswordResetConfirm) {
  static readonly className: string = 'PasswordResetConfirmController'
  static readonly actor = currentUser
}

import { Throttle, withEmailChangeAudit } from '@countersign/mixins'
import { Body, HttpCode, JsonController, Post } from 'routing-controllers'
import type { AuthServices } from '../auth-services.js'
import { currentUser } from '../sessions/principals.js'
import { TokenRequest } from '../web/request-bodies.js'

@JsonController('/api/auth/change-email-confirm')
class ChangeEmailConfirm {
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @Throttle('change_email_confirm')
  @HttpCode(200)
  @Post()
  async post(@Body() { token }: TokenRequest) {
    await this.#services.emailChanges.confirm(token)
    return { detail: 'This is the address of the account now, and every session was ended. Please log in.' }
  }
}

/** POST `change-email-confirm`: uses the token mailed to the new address; a GET shows a page and changes nothing. */
export class ChangeEmailConfirmController extends withEmailChangeAudit(ChangeEmailConfirm) {
  static readonly className: string = 'ChangeEmailConfirmController'
  static readonly actor = currentUser
}

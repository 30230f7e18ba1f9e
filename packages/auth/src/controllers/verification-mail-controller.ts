import { Throttle, withVerificationMailAudit } from '@countersign/mixins'
import { Body, HttpCode, JsonController, Post } from 'routing-controllers'
import type { AuthServices } from '../auth-services.js'
import { currentUser } from '../sessions/principals.js'
import { EmailRequest } from '../web/request-bodies.js'

@JsonController('/api/auth/verify-account/resend')
class VerificationMail {
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @Throttle('verification_mail')
  @HttpCode(202)
  @Post()
  async post(@Body() { email }: EmailRequest) {
    await this.#services.verificationMails.resend(email)
    return {
      detail: 'If there is an account with this address to be verified, a mail with a link is on its way to it.',
    }
  }
}

/** POST `verify-account/resend`: the same answer whether or not there is something to verify. */
export class VerificationMailController extends withVerificationMailAudit(VerificationMail) {
  static readonly className: string = 'VerificationMailController'
  static readonly actor = currentUser
}

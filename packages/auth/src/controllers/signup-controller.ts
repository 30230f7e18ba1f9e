import { Throttle, withSignupAudit } from '@countersign/mixins'
import { Body, HttpCode, JsonController, Post } from 'routing-controllers'
import type { AuthServices } from '../auth-services.js'
import { chosenPassword } from '../passwords/chosen-password.js'
import { currentUser } from '../sessions/principals.js'
import { SignupRequest } from '../web/request-bodies.js'

@JsonController('/api/auth/signup')
class Signup {
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @Throttle('signup')
  @HttpCode(202)
  @Post()
  async post(@Body() body: SignupRequest) {
    await this.#services.accounts.signUp(body.email, chosenPassword(body), body.username)
    return { detail: 'If this address is new here, a mail with a link is on its way to it.' }
  }
}

/** POST `signup`: the same answer whether or not the address is taken. */
export class SignupController extends withSignupAudit(Signup) {
  static readonly className: string = 'SignupController'
  static readonly actor = currentUser
}

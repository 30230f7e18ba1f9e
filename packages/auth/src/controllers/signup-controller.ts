import { Throttle, withSignupAudit } from '@countersign/mixins'
import { Body, HttpCode, JsonController, Post } from 'routing-controllers'
import { AuthRefusal } from '../auth-refusal.js'
import type { AuthServices } from '../auth-services.js'
import { currentUser } from '../principals.js'
import { SignupRequest } from '../request-bodies.js'

@JsonController('/api/auth/signup')
class Signup {
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @Throttle('signup')
  @HttpCode(202)
  @Post()
  async post(@Body() { email, password, confirm_password }: SignupRequest) {
    if (password !== confirm_password) {
      throw new AuthRefusal(400, 'password_mismatch', { detail: 'The two passwords are not the same.' })
    }
    await this.#services.accounts.signUp(email, password)
    return { detail: 'If this address is new here, a mail with a link is on its way to it.' }
  }
}

/** POST `signup`: the same answer whether or not the address is taken. */
export class SignupController extends withSignupAudit(Signup) {
  static readonly className: string = 'SignupController'
  static readonly actor = currentUser
}

import { Throttle } from '@countersign/mixins'
import { Body, HttpCode, JsonController, Post } from 'routing-controllers'
import type { AuthServices } from '../auth-services.js'
import { currentUser } from '../sessions/principals.js'
import { TokenVerifyRequest } from '../sessions/session-bodies.js'
import { AuthRefusal } from '../web/auth-refusal.js'

/** POST `token/verify`: whether an access token is good at this moment, its session and account included. */
@JsonController('/api/auth/token/verify')
export class TokenVerifyController {
  static readonly className: string = 'TokenVerifyController'
  static readonly actor = currentUser
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  // Not audited: it changes nothing, and who asks is a server that was given the token.
  @Throttle('token_verify')
  @HttpCode(200)
  @Post()
  async post(@Body() { token }: TokenVerifyRequest) {
    const principal = await this.#services.sessions.principalOf(token)
    if (!principal) throw new AuthRefusal(401, 'invalid_token', { detail: 'This token is worth nothing.' })
    return { active: true, user_id: principal.userId }
  }
}

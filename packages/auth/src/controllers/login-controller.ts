import { actAs } from '@countersign/core'
import { Throttle, withLoginAudit } from '@countersign/mixins'
import type { Response } from 'express'
import { Body, HttpCode, JsonController, Post, Res } from 'routing-controllers'
import { publicUser } from '../accounts/public-user.js'
import type { AuthServices } from '../auth-services.js'
import { currentUser } from '../sessions/principals.js'
import { LoginRequest } from '../web/request-bodies.js'

@JsonController('/api/auth/login')
class Login {
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @Throttle('login')
  @HttpCode(200)
  @Post()
  async post(@Body() { email, password, remember_me = false }: LoginRequest, @Res() response: Response) {
    const { accounts, sessions, cookies } = this.#services
    const user = await accounts.authenticate(email, password)
    const session = await sessions.open(user, remember_me)
    actAs({ id: user.id, label: user.email })
    cookies.set(response, session)
    return { user: publicUser(user), expires_in: session.expiresIn }
  }
}

/** POST `login`: a session, and its access token in an HttpOnly cookie. */
export class LoginController extends withLoginAudit(Login) {
  static readonly className: string = 'LoginController'
  static readonly actor = currentUser
}

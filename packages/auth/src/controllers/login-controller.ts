import { actAs } from '@countersign/core'
import { Throttle, withLoginAudit } from '@countersign/mixins'
import type { Response } from 'express'
import { Body, HttpCode, JsonController, Post, Res } from 'routing-controllers'
import { publicUser } from '../accounts/public-user.js'
import type { AuthServices } from '../auth-services.js'
import { handOver } from '../sessions/hand-over.js'
import { currentUser } from '../sessions/principals.js'
import { askForCode } from '../two-factor/ask-for-code.js'
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
    const { accounts, logins, cookies, pendingCookie } = this.#services
    const user = await accounts.authenticate(email, password)
    const { session, pending } = await logins.begin(user, { remember: remember_me, browser: true })
    if (pending) return askForCode({ response, cookie: pendingCookie }, pending)
    actAs({ id: user.id, label: user.email })
    return { user: publicUser(user), ...handOver(cookies, { response, byCookie: true }, session) }
  }
}

/** POST `login`: a session, and its tokens in HttpOnly cookies. */
export class LoginController extends withLoginAudit(Login) {
  static readonly className: string = 'LoginController'
  static readonly actor = currentUser
}

import { actAs } from '@countersign/core'
import { Throttle, withLoginAudit } from '@countersign/mixins'
import type { Request, Response } from 'express'
import { Body, HttpCode, JsonController, Post, Req, Res } from 'routing-controllers'
import { publicUser } from '../accounts/public-user.js'
import type { AuthServices } from '../auth-services.js'
import { deviceOf, throttledIdentifier } from '../limits/known-devices.js'
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

  @Throttle('login', {
    identifier: ({ email }: LoginRequest, request: Request) => throttledIdentifier(email, deviceOf(request)),
  })
  @HttpCode(200)
  @Post()
  async post(@Body() body: LoginRequest, @Req() request: Request, @Res() response: Response) {
    const { accounts, logins, cookies, pendingCookie, devices, guard } = this.#services
    guard.refuseOtherSite(request)
    const { email, password, remember_me: remember = false } = body
    const user = await accounts.authenticate({ email, password, device: deviceOf(request) })
    const { session, pending } = await logins.begin(user, { remember, browser: true })
    if (pending) return askForCode({ response, cookie: pendingCookie }, pending)
    actAs({ id: user.id, label: user.email })
    await guard.supersede(request)
    const handed = handOver(cookies, { response, byCookie: true }, session)
    devices.remember(response, user, email)
    return { user: publicUser(user), ...handed }
  }
}

/** POST `login`: a session, and its tokens in HttpOnly cookies. */
export class LoginController extends withLoginAudit(Login) {
  static readonly className: string = 'LoginController'
  static readonly actor = currentUser
}

import { actAs } from '@countersign/core'
import { Throttle, withLoginAudit } from '@countersign/mixins'
import type { Request, Response } from 'express'
import { Body, HttpCode, JsonController, Post, Req, Res } from 'routing-controllers'
import { publicUser } from '../accounts/public-user.js'
import type { AuthServices } from '../auth-services.js'
import { deviceOf, throttledIdentifier } from '../limits/known-devices.js'
import { handOver } from '../sessions/hand-over.js'
import { currentUser } from '../sessions/principals.js'
import { BearerLoginRequest } from '../sessions/session-bodies.js'
import { askForCode } from '../two-factor/ask-for-code.js'

@JsonController('/api/auth/token')
class BearerLogin {
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  // The same scope as the other door: who tries passwords at both has no more tries.
  @Throttle('login', {
    identifier: ({ email }: BearerLoginRequest, request: Request) => throttledIdentifier(email, deviceOf(request)),
  })
  @HttpCode(200)
  @Post()
  async post(@Body() body: BearerLoginRequest, @Req() request: Request, @Res() response: Response) {
    const { accounts, logins, cookies, pendingCookie } = this.#services
    const { email, password, remember_me: remember = false } = body
    const user = await accounts.authenticate({ email, password, device: deviceOf(request) })
    const { session, pending } = await logins.begin(user, { remember, browser: false })
    if (pending) return askForCode({ response, cookie: pendingCookie }, pending)
    actAs({ id: user.id, label: user.email })
    return { user: publicUser(user), ...handOver(cookies, { response, byCookie: false }, session) }
  }
}

/** POST `token`: a session, and its tokens in the answer, for clients without cookies. */
export class BearerLoginController extends withLoginAudit(BearerLogin) {
  static readonly className: string = 'BearerLoginController'
  static readonly actor = currentUser
}

import { Throttle, withPasswordChangeAudit } from '@countersign/mixins'
import type { Request, Response } from 'express'
import { Authorized, Body, HttpCode, JsonController, Post, Req, Res } from 'routing-controllers'
import type { AuthServices } from '../auth-services.js'
import { deviceOf } from '../limits/known-devices.js'
import { chosenPassword } from '../passwords/chosen-password.js'
import { handOver } from '../sessions/hand-over.js'
import { callerOf, currentUser, principalOf } from '../sessions/principals.js'
import { ChangePasswordRequest } from '../web/request-bodies.js'

@JsonController('/api/auth/change-password')
class ChangePassword {
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  // By account, not by what was typed: whoever found an open session must not try passwords in it.
  @Throttle('change_password', { identifier: (request: Request) => principalOf(request).userId })
  @Authorized()
  @HttpCode(200)
  @Post()
  async post(@Req() request: Request, @Res() response: Response, @Body() body: ChangePasswordRequest) {
    const { passwordChanges, sessions, cookies, devices } = this.#services
    const { principal, byCookie } = callerOf(request)
    const passwords = { current: body.current_password, chosen: chosenPassword(body), device: deviceOf(request) }
    const user = await passwordChanges.change(principal, passwords)
    const session = await sessions.renew(user, principal.sessionId)
    const handed = handOver(cookies, { response, byCookie }, session)
    if (byCookie) devices.remember(response, user, user.email)
    return { detail: 'The password is changed, and every other session was ended.', ...handed }
  }
}

/** POST `change-password`: needs the current one; this session goes on, with fresh tokens. */
export class ChangePasswordController extends withPasswordChangeAudit(ChangePassword) {
  static readonly className: string = 'ChangePasswordController'
  static readonly actor = currentUser
}

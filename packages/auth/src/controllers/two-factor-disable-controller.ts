import { Throttle, withTwoFactorDisableAudit } from '@countersign/mixins'
import type { Request, Response } from 'express'
import { Authorized, Body, HttpCode, JsonController, Post, Req, Res } from 'routing-controllers'
import type { AuthServices } from '../auth-services.js'
import { deviceOf } from '../limits/known-devices.js'
import { handOver } from '../sessions/hand-over.js'
import { callerOf, currentUser, principalOf } from '../sessions/principals.js'
import { TwoFactorDisableRequest } from '../two-factor/two-factor-bodies.js'

@JsonController('/api/auth/2fa/disable')
class TwoFactorDisable {
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @Throttle('two_factor', { identifier: (request: Request) => principalOf(request).userId })
  @Authorized()
  @HttpCode(200)
  @Post()
  async post(@Req() request: Request, @Res() response: Response, @Body() body: TwoFactorDisableRequest) {
    const { twoFactor, sessions, cookies, devices } = this.#services
    const { principal, byCookie } = callerOf(request)
    const user = await twoFactor.disable(principal, { ...body, device: deviceOf(request) })
    const session = await sessions.renew(user, principal.sessionId)
    const handed = handOver(cookies, { response, byCookie }, session)
    if (byCookie) devices.remember(response, user, user.email)
    return { detail: 'The second factor is off, and every other session was ended.', ...handed }
  }
}

/** POST `2fa/disable`: takes the password and a code; this session goes on, with fresh tokens. */
export class TwoFactorDisableController extends withTwoFactorDisableAudit(TwoFactorDisable) {
  static readonly className: string = 'TwoFactorDisableController'
  static readonly actor = currentUser
}

import { actAs } from '@countersign/core'
import { Throttle, withTwoFactorChallengeAudit } from '@countersign/mixins'
import type { Request, Response } from 'express'
import { Body, HttpCode, JsonController, Post, Req, Res } from 'routing-controllers'
import { publicUser } from '../accounts/public-user.js'
import type { AuthServices } from '../auth-services.js'
import { forgiveFailures } from '../limits/forgiven-failures.js'
import { deviceOf, throttledIdentifiers } from '../limits/known-devices.js'
import { handOver } from '../sessions/hand-over.js'
import { currentUser } from '../sessions/principals.js'
import { VerifyLoginRequest } from '../two-factor/two-factor-bodies.js'

@JsonController('/api/auth/2fa/verify-login')
class VerifyLogin {
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @Throttle('verify_login')
  @HttpCode(200)
  @Post()
  async post(@Req() request: Request, @Res() response: Response, @Body() body: VerifyLoginRequest) {
    const { logins, cookies, pendingCookie, devices, guard } = this.#services
    guard.refuseOtherSite(request)
    const tokens = { sessionToken: body.session_token, browserToken: pendingCookie.read(request) }
    const { user, session, used, browser } = await logins.complete(tokens, body.code)
    actAs({ id: user.id, label: user.email })
    // The login alone was no success, and counted as a failure.
    forgiveFailures(...throttledIdentifiers(user, deviceOf(request)))
    if (browser) pendingCookie.clear(response)
    if (browser) await guard.supersede(request)
    const handed = handOver(cookies, { response, byCookie: browser }, session)
    if (browser) devices.remember(response, user, user.email)
    return {
      user: publicUser(user),
      ...handed,
      ...(used.factor === 'backup_code' ? { backup_codes_remaining: used.remaining } : {}),
    }
  }
}

/** POST `2fa/verify-login`: completes a login by a code, and hands over what the login would have. */
export class VerifyLoginController extends withTwoFactorChallengeAudit(VerifyLogin) {
  static readonly className: string = 'VerifyLoginController'
  static readonly actor = currentUser
}

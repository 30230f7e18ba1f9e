import { Throttle, withTwoFactorEnableAudit } from '@countersign/mixins'
import type { Request, Response } from 'express'
import { Authorized, Body, HttpCode, JsonController, Post, Req, Res } from 'routing-controllers'
import type { AuthServices } from '../auth-services.js'
import { handOver } from '../sessions/hand-over.js'
import { callerOf, currentUser, principalOf } from '../sessions/principals.js'
import { TwoFactorEnableRequest } from '../two-factor/two-factor-bodies.js'

@JsonController('/api/auth/2fa/enable')
class TwoFactorEnable {
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @Throttle('two_factor', { identifier: (request: Request) => principalOf(request).userId })
  @Authorized()
  @HttpCode(200)
  @Post()
  async post(@Req() request: Request, @Res() response: Response, @Body() { code }: TwoFactorEnableRequest) {
    const { twoFactor, sessions, cookies, devices } = this.#services
    const { principal, byCookie } = callerOf(request)
    const { user, codes } = await twoFactor.enable(principal, code)
    const session = await sessions.renew(user, principal.sessionId, withCode(principal.amr))
    if (byCookie) devices.remember(response, user, user.email)
    return { backup_codes: codes, ...handOver(cookies, { response, byCookie }, session) }
  }
}

/** Whoever confirms a secret has proved to have it. */
function withCode(amr: readonly string[]): readonly string[] {
  return [...new Set([...amr, 'otp', 'mfa'])]
}

/** POST `2fa/enable`: confirms the secret by its first code; the backup codes are shown this once. */
export class TwoFactorEnableController extends withTwoFactorEnableAudit(TwoFactorEnable) {
  static readonly className: string = 'TwoFactorEnableController'
  static readonly actor = currentUser
}

import { Throttle, withTwoFactorSetupAudit } from '@countersign/mixins'
import type { Request } from 'express'
import { Authorized, Body, HttpCode, JsonController, Post, Req } from 'routing-controllers'
import type { AuthServices } from '../auth-services.js'
import { deviceOf } from '../limits/known-devices.js'
import { currentUser, principalOf } from '../sessions/principals.js'
import { qrCode } from '../two-factor/qr-code.js'
import { TwoFactorSetupRequest } from '../two-factor/two-factor-bodies.js'

@JsonController('/api/auth/2fa/setup')
class TwoFactorSetup {
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @Throttle('two_factor', { identifier: (request: Request) => principalOf(request).userId })
  @Authorized()
  @HttpCode(200)
  @Post()
  async post(@Req() request: Request, @Body({ required: false }) { password }: TwoFactorSetupRequest) {
    const { secret, uri } = await this.#services.twoFactor.offer(principalOf(request), {
      password,
      device: deviceOf(request),
    })
    const { svg, png } = await qrCode(uri)
    return { secret, otpauth_uri: uri, qr_svg: svg, qr_code: png }
  }
}

/** POST `2fa/setup`: a new secret for an authenticator app, which counts once a code of it came back. */
export class TwoFactorSetupController extends withTwoFactorSetupAudit(TwoFactorSetup) {
  static readonly className: string = 'TwoFactorSetupController'
  static readonly actor = currentUser
}

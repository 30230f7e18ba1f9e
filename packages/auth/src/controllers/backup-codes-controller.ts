import { Throttle, withBackupCodesAudit } from '@countersign/mixins'
import type { Request, Response } from 'express'
import { Authorized, Body, Get, HttpCode, JsonController, Post, Req, Res } from 'routing-controllers'
import type { AuthServices } from '../auth-services.js'
import { deviceOf } from '../limits/known-devices.js'
import { handOver } from '../sessions/hand-over.js'
import { callerOf, currentUser, principalOf } from '../sessions/principals.js'
import { BackupCodesRequest } from '../two-factor/two-factor-bodies.js'

@JsonController('/api/auth/2fa/backup-codes')
class BackupCodes {
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @Authorized()
  @Get()
  async get(@Req() request: Request) {
    return { remaining: await this.#services.factors.remainingCodes(principalOf(request).userId) }
  }

  @Throttle('two_factor', { identifier: (request: Request) => principalOf(request).userId })
  @Authorized()
  @HttpCode(200)
  @Post()
  async post(@Req() request: Request, @Res() response: Response, @Body() { password }: BackupCodesRequest) {
    const { twoFactor, sessions, cookies, devices } = this.#services
    const { principal, byCookie } = callerOf(request)
    const { user, codes } = await twoFactor.replaceCodes(principal, { password, device: deviceOf(request) })
    const session = await sessions.renew(user, principal.sessionId)
    if (byCookie) devices.remember(response, user, user.email)
    return { backup_codes: codes, ...handOver(cookies, { response, byCookie }, session) }
  }
}

/** `2fa/backup-codes`: GET tells how many are left, POST makes new ones, which are shown this once. */
export class BackupCodesController extends withBackupCodesAudit(BackupCodes) {
  static readonly className: string = 'BackupCodesController'
  static readonly actor = currentUser
}

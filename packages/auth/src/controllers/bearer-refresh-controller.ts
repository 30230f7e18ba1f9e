import { Throttle, withTokenRefreshAudit } from '@countersign/mixins'
import type { Response } from 'express'
import { Body, HttpCode, JsonController, Post, Res } from 'routing-controllers'
import type { AuthServices } from '../auth-services.js'
import { handOver } from '../sessions/hand-over.js'
import { currentUser } from '../sessions/principals.js'
import { BearerRefreshRequest } from '../sessions/session-bodies.js'

@JsonController('/api/auth/token/refresh')
class BearerRefresh {
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @Throttle('token_refresh')
  @HttpCode(200)
  @Post()
  async post(@Body() { refresh }: BearerRefreshRequest, @Res() response: Response) {
    const { sessions, cookies } = this.#services
    return handOver(cookies, { response, byCookie: false }, await sessions.refresh(refresh))
  }
}

/** POST `token/refresh`: fresh tokens, in the answer, for a refresh token in the body. */
export class BearerRefreshController extends withTokenRefreshAudit(BearerRefresh) {
  static readonly className: string = 'BearerRefreshController'
  static readonly actor = currentUser
}

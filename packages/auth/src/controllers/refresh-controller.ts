import { Throttle, withTokenRefreshAudit } from '@countersign/mixins'
import type { Request, Response } from 'express'
import { HttpCode, JsonController, Post, Req, Res } from 'routing-controllers'
import type { AuthServices } from '../auth-services.js'
import { handOver } from '../sessions/hand-over.js'
import { currentUser } from '../sessions/principals.js'
import { worthlessRefresh } from '../sessions/sessions.js'

@JsonController('/api/auth/refresh')
class Refresh {
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @Throttle('token_refresh')
  @HttpCode(200)
  @Post()
  async post(@Req() request: Request, @Res() response: Response) {
    const { sessions, cookies, guard } = this.#services
    const token = cookies.refreshToken.read(request)
    if (token === null) throw worthlessRefresh()
    await guard.refuseForeignRefresh(request, token)
    try {
      return handOver(cookies, { response, byCookie: true }, await sessions.refresh(token))
    } catch (error) {
      if ((error as { readonly httpCode?: unknown }).httpCode === 401) cookies.clear(response)
      throw error
    }
  }
}

/** POST `refresh`: fresh tokens, in cookies, for the refresh token in its cookie. */
export class RefreshController extends withTokenRefreshAudit(Refresh) {
  static readonly className: string = 'RefreshController'
  static readonly actor = currentUser
}

import { withLogoutAudit } from '@countersign/mixins'
import type { Request, Response } from 'express'
import { Authorized, JsonController, Post, Req, Res } from 'routing-controllers'
import type { AuthServices } from '../auth-services.js'
import { currentUser, principalOf } from '../sessions/principals.js'

@JsonController('/api/auth/logout')
class Logout {
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @Authorized()
  @Post()
  async post(@Req() request: Request, @Res() response: Response) {
    const { sessions, cookies } = this.#services
    await sessions.end(principalOf(request).sessionId)
    cookies.clear(response)
    return null
  }
}

/** POST `logout`: ends the session; its access token is worth nothing from then on. */
export class LogoutController extends withLogoutAudit(Logout) {
  static readonly className: string = 'LogoutController'
  static readonly actor = currentUser
}

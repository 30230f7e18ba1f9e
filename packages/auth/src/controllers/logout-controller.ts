import { actAs, currentAttempt } from '@countersign/core'
import { withLogoutAudit } from '@countersign/mixins'
import type { Request, Response } from 'express'
import { JsonController, Post, Req, Res } from 'routing-controllers'
import type { AuthServices } from '../auth-services.js'
import { currentUser } from '../sessions/principals.js'

@JsonController('/api/auth/logout')
class Logout {
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @Post()
  async post(@Req() request: Request, @Res() response: Response) {
    const { sessions, cookies, guard } = this.#services
    const leaving = await guard.leaving(request)
    if (request.headers.authorization === undefined) cookies.clearBrought(request, response)
    if (!leaving || !(await sessions.end(leaving.sessionId))) {
      currentAttempt('logout').outcome('failure', 'unauthenticated')
      return null
    }
    actAs({ id: leaving.userId, label: leaving.email })
    currentAttempt('logout').session(leaving.sessionId)
    return null
  }
}

/** POST `logout`: ends the session, and is content where there is none. Its tokens are worth nothing from then on. */
export class LogoutController extends withLogoutAudit(Logout) {
  static readonly className: string = 'LogoutController'
  static readonly actor = currentUser
}

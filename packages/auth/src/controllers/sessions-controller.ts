import { mix, Throttle, withSessionRevokeAllAudit, withSessionRevokeAudit } from '@countersign/mixins'
import type { Request, Response } from 'express'
import { Authorized, Delete, Get, HttpCode, JsonController, Param, QueryParams, Req, Res } from 'routing-controllers'
import type { AuthServices } from '../auth-services.js'
import { currentUser, principalOf } from '../sessions/principals.js'
import { PageQuery } from '../web/page-query.js'

@JsonController('/api/auth/sessions')
class OwnSessions {
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @Authorized()
  @Get()
  async get(@Req() request: Request, @QueryParams() page: PageQuery) {
    const { items, nextCursor } = await this.#services.sessionList.page(principalOf(request), page)
    return { items, next_cursor: nextCursor }
  }

  @Throttle('session_revoke')
  @Authorized()
  @Delete('/:id')
  async delete(@Req() request: Request, @Res() response: Response, @Param('id') id: string) {
    const { sessionList, cookies } = this.#services
    const principal = principalOf(request)
    await sessionList.revoke(principal, id)
    if (id.toLowerCase() === principal.sessionId) cookies.clear(response)
    return null
  }

  @Throttle('session_revoke')
  @Authorized()
  @HttpCode(200)
  @Delete()
  async deleteAll(@Req() request: Request) {
    return { revoked: await this.#services.sessionList.revokeOthers(principalOf(request)) }
  }
}

/** GET `sessions`: where one is logged in. DELETE `sessions/{id}` ends one of them, DELETE `sessions` all others. */
export class SessionsController extends mix(OwnSessions, withSessionRevokeAudit, withSessionRevokeAllAudit) {
  static readonly className: string = 'SessionsController'
  static readonly actor = currentUser
}

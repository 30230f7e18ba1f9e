import type { Request } from 'express'
import { Authorized, Get, JsonController, QueryParams, Req } from 'routing-controllers'
import { ownRowJson } from '../audit/own-row-json.js'
import type { AuthServices } from '../auth-services.js'
import { principalOf } from '../sessions/principals.js'
import { PageQuery } from '../web/page-query.js'

/** GET `login-history`: what was done by, and to, one's own account. */
@JsonController('/api/auth/login-history')
export class LoginHistoryController {
  static readonly className: string = 'LoginHistoryController'
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @Authorized()
  @Get()
  async get(@Req() request: Request, @QueryParams() { limit, cursor }: PageQuery) {
    const page = await this.#services.reader.find({
      concerning: principalOf(request).userId,
      ...(limit === undefined ? {} : { limit }),
      ...(cursor === undefined ? {} : { cursor }),
    })
    return { items: page.items.map(ownRowJson), next_cursor: page.nextCursor }
  }
}

import type { Request } from 'express'
import { Authorized, Get, JsonController, Req } from 'routing-controllers'
import type { AuthServices } from '../auth-services.js'
import { currentUser, principalOf } from '../sessions/principals.js'

/** GET `csrf`: what a client that sends no `Origin` shows as `X-CSRF-Token` with every change. */
@JsonController('/api/auth/csrf')
export class CsrfController {
  static readonly className: string = 'CsrfController'
  static readonly actor = currentUser
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @Authorized()
  @Get()
  async get(@Req() request: Request) {
    return { csrf_token: this.#services.csrfTokens.of(principalOf(request).sessionId) }
  }
}

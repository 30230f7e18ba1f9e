import type { Response } from 'express'
import { Get, JsonController, Res } from 'routing-controllers'
import type { AuthServices } from '../auth-services.js'
import { currentUser } from '../sessions/principals.js'

/** GET `/.well-known/jwks.json`, and `jwks.json` beside the API: the keys to verify access tokens with (RFC 7517). */
@JsonController()
export class PublicKeysController {
  static readonly className: string = 'PublicKeysController'
  static readonly actor = currentUser
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @Get('/.well-known/jwks.json')
  @Get('/api/auth/jwks.json')
  async get(@Res() response: Response) {
    // Much shorter than a key goes on verifying.
    response.set('Cache-Control', 'public, max-age=300')
    return this.#services.signingKeys.published()
  }
}

import { AuditEvent, Throttle } from '@countersign/mixins'
import { Authorized, Body, HttpCode, JsonController, Post } from 'routing-controllers'
import type { AuthServices } from '../auth-services.js'
import { currentUser } from '../sessions/principals.js'
import { KeyRotationRequest } from '../sessions/session-bodies.js'

/** POST `/api/auth/admin/signing-keys/rotation`: another key signs access tokens from now on. */
@JsonController('/api/auth/admin/signing-keys/rotation')
export class AdminSigningKeysController {
  static readonly className: string = 'AdminSigningKeysController'
  static readonly actor = currentUser
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @AuditEvent('admin_action', { details: () => ({ action: 'signing_key_rotation' }) })
  @Throttle('admin_write')
  @Authorized('admin')
  @HttpCode(200)
  @Post()
  async post(@Body() { overlap }: KeyRotationRequest) {
    const { signingKeys } = this.#services
    await signingKeys.rotate(overlap === undefined ? {} : { overlap })
    return signingKeys.published()
  }
}

import { Throttle, withEmailChangeRequestAudit } from '@countersign/mixins'
import type { Request } from 'express'
import { Authorized, Body, HttpCode, JsonController, Post, Req } from 'routing-controllers'
import { EmailChangeRequest } from '../accounts/email-change-bodies.js'
import type { AuthServices } from '../auth-services.js'
import { deviceOf } from '../limits/known-devices.js'
import { currentUser, principalOf } from '../sessions/principals.js'

@JsonController('/api/auth/change-email')
class ChangeEmail {
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  // By account: whoever found an open session must neither try passwords in it nor have strangers written to.
  @Throttle('change_email', { identifier: (request: Request) => principalOf(request).userId })
  @Authorized()
  @HttpCode(202)
  @Post()
  async post(@Req() request: Request, @Body() { new_email: email, password }: EmailChangeRequest) {
    const change = { email, password, device: deviceOf(request) }
    await this.#services.emailChanges.request(principalOf(request).userId, change)
    return { detail: 'If this address can be yours, a mail with a link is on its way to it.' }
  }
}

/** POST `change-email`: needs the password; the same answer whether or not the address is taken. */
export class ChangeEmailController extends withEmailChangeRequestAudit(ChangeEmail) {
  static readonly className: string = 'ChangeEmailController'
  static readonly actor = currentUser
}

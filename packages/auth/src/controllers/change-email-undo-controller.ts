import { Throttle, withEmailChangeUndoAudit } from '@countersign/mixins'
import { Body, HttpCode, JsonController, Post } from 'routing-controllers'
import type { AuthServices } from '../auth-services.js'
import { currentUser } from '../sessions/principals.js'
import { TokenRequest } from '../web/request-bodies.js'

@JsonController('/api/auth/change-email-undo')
class ChangeEmailUndo {
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @Throttle('change_email_undo')
  @HttpCode(200)
  @Post()
  async post(@Body() { token }: TokenRequest) {
    await this.#services.emailChanges.undo(token)
    return {
      detail: 'The account has its old address, and no password: a mail with a link to choose one is on its way.',
    }
  }
}

/** POST `change-email-undo`: uses the token mailed to the old address; a GET shows a page and changes nothing. */
export class ChangeEmailUndoController extends withEmailChangeUndoAudit(ChangeEmailUndo) {
  static readonly className: string = 'ChangeEmailUndoController'
  static readonly actor = currentUser
}

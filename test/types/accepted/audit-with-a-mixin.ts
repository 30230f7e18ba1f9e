import type { AuditContext } from '@countersign/core'
import { withFailedResetAudit } from '@countersign/mixins'
import { Body, HttpCode, JsonController, Post } from 'routing-controllers'

class PasswordResetRequest {
  email!: string
}

class PasswordReset {
  @Post()
  @HttpCode(202)
  async post(@Body() body: PasswordResetRequest): Promise<{ sent: boolean }> {
    return { sent: body.email !== '' }
  }
}

const currentUser = (context: AuditContext) =>
  context.sessionId === undefined ? null : { type: 'user' as const, id: context.sessionId }

@JsonController('/password-reset')
export class PasswordResetController extends withFailedResetAudit(PasswordReset) {
  static readonly className = 'PasswordResetController'
  static readonly actor = currentUser
}

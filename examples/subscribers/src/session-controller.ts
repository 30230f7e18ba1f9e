import { AuditEvent } from '@countersign/mixins'
import { Body, HttpError, JsonController, Post } from 'routing-controllers'

class Credentials {
  email!: string
  password!: string
}

/** A login, audited. It knows nothing of who listens. */
@JsonController()
export class SessionController {
  static readonly className = 'SessionController'
  static readonly actor = () => null

  @AuditEvent('login', { attempted: (body: Credentials) => body.email })
  @Post('/login')
  async login(@Body({ validate: false }) body: Credentials) {
    if (body.password !== 'correct horse') throw Object.assign(new HttpError(401), { reason: 'bad_credentials' })
    return { hello: 'Ada' }
  }
}

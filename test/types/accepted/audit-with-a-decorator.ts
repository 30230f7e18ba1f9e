import { actAs } from '@countersign/core'
import { AuditEvent, Throttle } from '@countersign/mixins'
import { Body, JsonController, Post } from 'routing-controllers'

class LoginRequest {
  email!: string
  password!: string
}

interface Sessions {
  open(body: LoginRequest): Promise<{ id: number; email: string }>
}
declare const sessions: Sessions

@JsonController()
export class SessionController {
  static readonly className = 'SessionController'
  static readonly actor = () => null

  @AuditEvent('login', { attempted: (body: LoginRequest) => body.email })
  @Throttle('login')
  @Post('/login')
  async login(@Body() body: LoginRequest) {
    const user = await sessions.open(body)
    actAs(user)
    return { email: user.email }
  }

  @Post('/logout')
  @AuditEvent('logout')
  async logout(): Promise<void> {}

  @AuditEvent('admin_action', {
    details: (action: string) => ({ action }),
    subject: (_action: string, id: string) => ({ type: 'user', id }),
  })
  async administer<Result>(_action: string, _id: string, run: () => Promise<Result>): Promise<Result> {
    return run()
  }
}

import { actAs } from '@countersign/core'
import { withLoginAudit } from '@countersign/mixins'
import { AuditEvent, type AuditEventOptions, type HandlerDecorator, Throttle } from '@countersign/mixins/es'

interface LoginRequest {
  readonly email: string
  readonly password: string
}

interface Sessions {
  open(body: LoginRequest): Promise<{ id: number; email: string }>
}

const byEmail: AuditEventOptions<'login'> = { attempted: (body: LoginRequest) => body.email }
export const audited: HandlerDecorator = AuditEvent('signup')

export class SessionService {
  static readonly className: string = 'SessionService'
  static readonly actor = () => null

  constructor(protected readonly sessions: Sessions) {}

  @AuditEvent('login', byEmail)
  @Throttle('login', { identifier: (body: LoginRequest) => body.email })
  async login(body: LoginRequest) {
    const user = await this.sessions.open(body)
    actAs(user)
    return { email: user.email }
  }

  @audited
  protected async signup(_body: LoginRequest): Promise<void> {}

  @AuditEvent('admin_action', {
    details: (action: string) => ({ action }),
    subject: (_action: string, id: string) => ({ type: 'user', id }),
  })
  async administer<Result>(_action: string, _id: string, run: () => Promise<Result>): Promise<Result> {
    return run()
  }

  async post(_body: LoginRequest): Promise<{ entered: boolean }> {
    return { entered: true }
  }
}

export class AccountService extends withLoginAudit(SessionService) {
  static override readonly className = 'AccountService'

  @AuditEvent('logout')
  async logout(): Promise<void> {
    const { email } = await this.login({ email: 'ada@example.org', password: 'x' })
    email.trim()
  }
}

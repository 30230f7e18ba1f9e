import {
  AbstractSignalMixin,
  AuditEvent,
  type AuditedController,
  auditMixin,
  type MixinBase,
  mix,
  Throttle,
  withFailedResetAudit,
  withLoginAudit,
  withLogoutAudit,
  withThrottle,
} from '@countersign/mixins'

// For a project that installed this package alone: no declaration here may need the name of another.

class Account {
  protected readonly users = new Map<string, string>()

  @AuditEvent('admin_action', { details: (action: string) => ({ action }), subject: () => ({ type: 'user', id: '1' }) })
  async administer(action: string) {
    return action
  }

  @Throttle('login')
  async login(email: string, password: string) {
    return this.users.get(email) === password
  }

  async logout() {}

  async post(email: string) {
    return { email }
  }
}

export const Audited = withFailedResetAudit(Account)
export const Throttled = withThrottle(Account, { scope: 'login', method: 'post' })
export const withStepAudit = auditMixin({ event: 'two_factor_challenge', method: 'challenge' })

export class AccountController extends mix(
  Account,
  (B) => withLoginAudit(B, { method: 'login' }),
  (B) => withLogoutAudit(B, { method: 'logout' }),
) {
  static readonly className = 'AccountController'
  static readonly actor = () => null
}

interface LogoutHandlers {
  logout(): Promise<unknown>
}

export function withLogoutByHand<Base extends MixinBase<LogoutHandlers>>(
  Base: Base,
): Base & MixinBase<AuditedController> {
  abstract class LogoutAudited extends AbstractSignalMixin(Base, { logout: 'logout' }) {
    override async logout() {
      return this.audited('logout', {}, () => super.logout())
    }
  }
  return LogoutAudited
}

export class ByHand extends withLogoutByHand(Account) {
  static readonly className = 'ByHand'
  static readonly actor = () => null
}

import { mix, withLoginAudit, withLogoutAudit, withSignupAudit, withThrottle } from '@countersign/mixins'
import { sameType } from '../../support/same-type.js'

class Account {
  static readonly route = '/account'
  readonly #store: Map<string, string>

  constructor(store: Map<string, string>) {
    this.#store = store
  }

  async login(email: string, password: string): Promise<{ ok: boolean }> {
    return { ok: this.#store.get(email) === password }
  }

  async logout(): Promise<void> {}

  async post(body: { email: string }): Promise<{ created: string }> {
    return { created: body.email }
  }
}

export class AccountController extends mix(
  Account,
  (B) => withLoginAudit(B, { method: 'login' }),
  (B) => withLogoutAudit(B, { method: 'logout' }),
  (B) => withSignupAudit(B),
  (B) => withThrottle(B, { scope: 'login', method: 'login', identifier: (email: string) => email }),
) {
  static readonly className = 'AccountController'
  static readonly actor = () => null
}

const account = new AccountController(new Map())

sameType<(typeof AccountController)['route'], '/account'>()
sameType<ConstructorParameters<typeof AccountController>, [store: Map<string, string>]>()
sameType<Parameters<typeof account.login>, [email: string, password: string]>()
sameType<ReturnType<typeof account.login>, Promise<{ ok: boolean }>>()
sameType<ReturnType<typeof account.post>, Promise<{ created: string }>>()

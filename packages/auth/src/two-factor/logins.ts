import { currentAttempt, currentFlow } from '@countersign/core'
import type { MikroORM } from '@mikro-orm/core'
import type { FoundAccount } from '../accounts/account-lookup.js'
import type { OpenedSession, Sessions } from '../sessions/sessions.js'
import { User } from '../store/entities.js'
import type { LoginOptions, LoginTokens, PendingLogin, PendingLogins, WaitingLogin } from './pending-logins.js'
import type { SecondFactors, UsedFactor } from './second-factors.js'
import { pendingLoginOver } from './two-factor-refusals.js'

/** What {@link Logins} works with. */
export interface LoginsParts {
  readonly orm: MikroORM
  readonly sessions: Sessions
  readonly factors: SecondFactors
  readonly pending: PendingLogins
}

/** What a right password leads to: a session, or a login that waits for a code. */
export type BegunLogin =
  | { readonly session: OpenedSession; readonly pending?: undefined }
  | { readonly session?: undefined; readonly pending: PendingLogin }

/** A login that has all that it takes. */
export interface CompletedLogin extends LoginOptions {
  readonly user: User
  readonly session: OpenedSession
  readonly used: UsedFactor
}

/** How logins go on once the password is right. Every door that opens sessions goes through here. Knows no HTTP. */
export class Logins {
  readonly #parts: LoginsParts

  constructor(parts: LoginsParts) {
    this.#parts = parts
  }

  /**
   * Goes on with an account whose password was right. Where it has a second factor there is no session
   * yet, and so no login that succeeded: the row says `two_factor_required`.
   */
  async begin(user: User & Partial<FoundAccount>, options: LoginOptions): Promise<BegunLogin> {
    const { factors, pending, sessions } = this.#parts
    if (await factors.isOn(user.id, user.hasSecondFactor)) {
      currentAttempt('login').outcome('failure', 'two_factor_required')
      return { pending: await pending.open(user, options) }
    }
    // Whoever switches a second factor on meanwhile raises the account's version, and no session is opened.
    return { session: await sessions.open(user, { remember: options.remember }) }
  }

  /**
   * Completes a login that waits. Its tokens are used up, and so is the code. That the login succeeded
   * is recorded apart from the code.
   *
   * @throws AuthRefusal the same for a login that there is not, is no more, or is another browser's
   */
  async complete(tokens: LoginTokens, code: string): Promise<CompletedLogin> {
    const { pending, factors, sessions } = this.#parts
    const login = await this.#find(tokens)
    const user = await this.#accountOf(login)
    if (!(await pending.claimAttempt(tokens))) throw pendingLoginOver('attempts_exhausted')
    const used = await factors.use(user, code)
    currentAttempt('two_factor_challenge').details(used)
    if (!(await pending.take(tokens))) throw pendingLoginOver('session_expired')
    const session = await sessions.open(user, { remember: login.remember, amr: amrOf(used) })
    await recordLogin(user, used, login)
    return { user, session, used, remember: login.remember, browser: login.browser }
  }

  async #find(tokens: LoginTokens): Promise<WaitingLogin> {
    const found = await this.#parts.pending.find(tokens)
    if (!found) throw pendingLoginOver('session_expired')
    currentAttempt('two_factor_challenge').subject({ type: 'user', id: found.login.userId })
    if (!found.isOwn) throw pendingLoginOver('wrong_browser')
    return found.login
  }

  /** The account, if it is still what it was when its password was right. */
  async #accountOf({ userId, tokenVersion }: WaitingLogin): Promise<User> {
    const user = await this.#parts.orm.em.fork().findOne(User, { id: userId })
    if (!user || user.tokenVersion !== tokenVersion) throw pendingLoginOver('account_changed')
    if (user.disabledAt) throw pendingLoginOver('disabled')
    return user
  }
}

async function recordLogin({ id, email }: User, { factor }: UsedFactor, { remember }: LoginOptions): Promise<void> {
  await currentFlow()?.trail?.record('login', {
    actor: { type: 'user', id, label: email },
    subject: { type: 'user', id },
    details: { method: factor, remember },
  })
}

/** How such a login was proved, in the words of RFC 8176; it has none for a backup code. */
function amrOf({ factor }: UsedFactor): string[] {
  return factor === 'totp' ? ['pwd', 'otp', 'mfa'] : ['pwd', 'mfa']
}

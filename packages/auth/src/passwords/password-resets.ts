import { type AuditReason, currentAttempt } from '@countersign/core'
import { LockMode, type MikroORM } from '@mikro-orm/core'
import type { Credentials } from '../accounts/accounts.js'
import { canonicalEmail } from '../accounts/email-address.js'
import { type AdminLinks, recordNewAdmin } from '../admin/admin-links.js'
import { forgiveFailures } from '../limits/forgiven-failures.js'
import { type KnownDevice, throttledIdentifiers } from '../limits/known-devices.js'
import type { Lockouts } from '../limits/lockouts.js'
import { inEvenTime } from '../mails/even-time.js'
import type { Mails } from '../mails/mails.js'
import { User } from '../store/entities.js'
import type { OneTimeTokens } from '../store/one-time-tokens.js'
import { worthlessLink } from '../web/auth-refusal.js'
import { type PasswordReplacement, recordFirstPassword } from './password-replacement.js'
import type { Passwords } from './passwords.js'

/** What {@link PasswordResets} works with. */
export interface PasswordResetsParts {
  readonly orm: MikroORM
  readonly passwords: Passwords
  readonly tokens: OneTimeTokens
  readonly mails: Mails
  readonly replacement: PasswordReplacement
  readonly adminLinks: AdminLinks
  readonly lockouts: Lockouts
}

/** Resets of a password by who has the account's mailbox. Knows no HTTP. */
export class PasswordResets {
  readonly #parts: PasswordResetsParts

  constructor(parts: PasswordResetsParts) {
    this.#parts = parts
  }

  /** Mails a link to the account's stored address; says nothing about whether there is one. */
  async request(email: string): Promise<void> {
    await inEvenTime(() => this.#request(email))
  }

  async #request(email: string): Promise<void> {
    const { orm, tokens, mails } = this.#parts
    const canonical = canonicalEmail(email)
    await orm.em.fork().transactional(async (em) => {
      // Locked: of requests at the same time, each must see and end the token of the one before.
      const locked = { lockMode: LockMode.PESSIMISTIC_WRITE } as const
      const user = canonical ? await em.findOne(User, { emailCanonical: canonical }, locked) : null
      if (user) currentAttempt('password_reset_request').subject({ type: 'user', id: user.id })
      const refusal = refusalOf(user)
      if (!user || refusal) {
        currentAttempt('password_reset_request').outcome('failure', refusal ?? 'unknown_account')
        return
      }
      await tokens.revoke(em, 'password-reset', user.id)
      const token = await tokens.issue(em, 'password-reset', user.id)
      mails.post(em, user.email, mails.passwordReset(token, tokens.lifetimeOf('password-reset')))
    })
  }

  /**
   * Uses a reset token: brings a password into force, and signs the account out everywhere. A
   * password that is refused leaves the token as it was.
   */
  async confirm(token: string, password: string, device: KnownDevice | null = null): Promise<void> {
    const { orm, passwords, tokens, adminLinks, lockouts } = this.#parts
    passwords.assertAcceptable(password)
    const adminEmail = await adminLinks.emailOf(token)
    if (adminEmail !== null) return this.#makeAdmin(token, { email: adminEmail, password, device })
    const owner = await tokens.ownerOf(orm.em.fork(), 'password-reset', token)
    const known = owner ? await orm.em.fork().findOne(User, { id: owner }) : null
    if (!owner || !known) throw worthlessLink('invalid_token')
    currentAttempt('password_reset').subject({ type: 'user', id: owner })
    passwords.assertAcceptable(password, known)
    // Before the transaction: hashing is slow, and the embedded database has one connection.
    const passwordHash = await passwords.hashChosen(password)
    const { user, isFirst } = await this.#use(token, owner, passwordHash)
    forgiveForgotten(user, device)
    await lockouts.lift(user, 'reset')
    if (isFirst) await recordFirstPassword(user)
  }

  async #makeAdmin(token: string, { email, password, device }: Credentials): Promise<void> {
    const { adminLinks, passwords } = this.#parts
    passwords.assertAcceptable(password, { email })
    const { user, isFirst } = await adminLinks.use(token, email, await passwords.hashChosen(password))
    forgiveForgotten(user, device)
    if (isFirst) await recordFirstPassword(user)
    await recordNewAdmin(user)
  }

  async #use(token: string, owner: string, passwordHash: string): Promise<{ user: User; isFirst: boolean }> {
    const { orm, tokens, replacement } = this.#parts
    return orm.em.fork().transactional(async (em) => {
      // The account's row first, everywhere: two tokens of one account would wait for each other.
      const user = await em.findOne(User, { id: owner }, { lockMode: LockMode.PESSIMISTIC_WRITE })
      const refusal = refusalOf(user)
      if (!user || refusal) throw worthlessLink(refusal ?? 'unknown_account')
      if (!(await tokens.use(em, 'password-reset', token))) throw worthlessLink('invalid_token')
      const isFirst = !user.passwordHash
      await replacement.replace(em, user, { passwordHash })
      return { user, isFirst }
    })
  }
}

function refusalOf(user: User | null): AuditReason | null {
  if (!user) return 'unknown_account'
  if (user.disabledAt) return 'disabled'
  return user.verifiedAt ? null : 'unverified'
}

/** Whoever forgot the password failed to log in with it, and must not wait to try the new one. */
function forgiveForgotten(user: User, device: KnownDevice | null): void {
  forgiveFailures(...throttledIdentifiers(user, null), ...throttledIdentifiers(user, device))
}

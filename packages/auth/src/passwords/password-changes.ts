import { currentAttempt } from '@countersign/core'
import { LockMode, type MikroORM } from '@mikro-orm/core'
import type { KnownDevice } from '../limits/known-devices.js'
import type { Principal } from '../sessions/sessions.js'
import { User } from '../store/entities.js'
import { AuthRefusal } from '../web/auth-refusal.js'
import { type PasswordProof, wrongPassword } from './password-proof.js'
import type { PasswordReplacement } from './password-replacement.js'
import type { Passwords } from './passwords.js'

/** What {@link PasswordChanges} works with. */
export interface PasswordChangesParts {
  readonly orm: MikroORM
  readonly passwords: Passwords
  readonly replacement: PasswordReplacement
  readonly proof: PasswordProof
}

/** The two passwords of a change, and the known device that it comes from. */
export interface PasswordChange {
  readonly current: string
  readonly chosen: string
  readonly device: KnownDevice | null
}

/** Changes of a password by who is logged in and has the current one. Knows no HTTP. */
export class PasswordChanges {
  readonly #parts: PasswordChangesParts

  constructor(parts: PasswordChangesParts) {
    this.#parts = parts
  }

  /** Replaces the password and ends all other sessions; returns the account as it is then. */
  async change({ userId, sessionId, email }: Principal, { current, chosen, device }: PasswordChange): Promise<User> {
    const { orm, passwords, replacement, proof } = this.#parts
    currentAttempt('password_change').subject({ type: 'user', id: userId })
    passwords.assertAcceptable(chosen, { email })
    const verified = await proof.demand(userId, current, device)
    if (passwords.areSame(current, chosen)) {
      throw new AuthRefusal(400, 'password_unchanged', { detail: 'This is the password that you have already.' })
    }
    // Before the transaction: hashing is slow, and the embedded database has one connection.
    const passwordHash = await passwords.hashChosen(chosen)
    return orm.em.fork().transactional(async (em) => {
      const user = await em.findOne(User, { id: userId }, { lockMode: LockMode.PESSIMISTIC_WRITE })
      // Another change or a reset was first: what was verified is no longer the password.
      if (!user || user.disabledAt || user.passwordHash !== verified) throw wrongPassword()
      // Of the name of an account, its sessions do not tell.
      passwords.assertAcceptable(chosen, user)
      await replacement.replace(em, user, { passwordHash, keepSession: sessionId })
      return user
    })
  }
}

import type { MikroORM } from '@mikro-orm/core'
import type { KnownDevice } from '../limits/known-devices.js'
import type { Lockouts } from '../limits/lockouts.js'
import { User } from '../store/entities.js'
import { AuthRefusal } from '../web/auth-refusal.js'
import type { Passwords } from './passwords.js'

/** What {@link PasswordProof} works with. */
export interface PasswordProofParts {
  readonly orm: MikroORM
  readonly passwords: Passwords
  readonly lockouts: Lockouts
}

/** Asks who is logged in for the password once more; who fails too often waits, as at a login. Knows no HTTP. */
export class PasswordProof {
  readonly #parts: PasswordProofParts

  constructor(parts: PasswordProofParts) {
    this.#parts = parts
  }

  /**
   * The hash that the typed password was found to have. Outside of a transaction, because checking is
   * slow: whoever acts on it looks, with the account locked, whether that is still the hash.
   */
  async demand(userId: string, typed: string, device: KnownDevice | null = null): Promise<string> {
    const { orm, passwords, lockouts } = this.#parts
    const user = await orm.em.fork().findOne(User, { id: userId })
    if (!user?.passwordHash) throw wrongPassword()
    const { email: identifier, passwordHash } = user
    const right = await lockouts.guard({ identifier, user, device }, () => passwords.matches(passwordHash, typed))
    if (!right) throw wrongPassword()
    return passwordHash
  }
}

/** The one answer to a current password that is not right. */
export function wrongPassword(): AuthRefusal {
  return new AuthRefusal(400, 'wrong_password', { detail: 'The current password is wrong.' })
}

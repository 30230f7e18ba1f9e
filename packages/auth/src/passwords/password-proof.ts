import type { MikroORM } from '@mikro-orm/core'
import { User } from '../store/entities.js'
import { AuthRefusal } from '../web/auth-refusal.js'
import type { Passwords } from './passwords.js'

/** What {@link PasswordProof} works with. */
export interface PasswordProofParts {
  readonly orm: MikroORM
  readonly passwords: Passwords
}

/** Asks who is logged in for the password once more. Knows no HTTP. */
export class PasswordProof {
  readonly #parts: PasswordProofParts

  constructor(parts: PasswordProofParts) {
    this.#parts = parts
  }

  /**
   * The hash that the typed password was found to have. Outside of a transaction, because checking is
   * slow: whoever acts on it looks, with the account locked, whether that is still the hash.
   */
  async demand(userId: string, typed: string): Promise<string> {
    const { orm, passwords } = this.#parts
    const user = await orm.em.fork().findOne(User, { id: userId })
    const right = await passwords.matches(user?.passwordHash, typed)
    if (!right || !user?.passwordHash) throw wrongPassword()
    return user.passwordHash
  }
}

/** The one answer to a current password that is not right. */
export function wrongPassword(): AuthRefusal {
  return new AuthRefusal(400, 'wrong_password', { detail: 'The current password is wrong.' })
}

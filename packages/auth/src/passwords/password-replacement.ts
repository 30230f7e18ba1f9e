import { currentFlow } from '@countersign/core'
import type { EntityManager } from '@mikro-orm/core'
import type { Mails } from '../mails/mails.js'
import type { Sessions } from '../sessions/sessions.js'
import type { User } from '../store/entities.js'
import type { OneTimeTokens } from '../store/one-time-tokens.js'

/** What {@link PasswordReplacement} works with. */
export interface PasswordReplacementParts {
  readonly sessions: Sessions
  readonly tokens: OneTimeTokens
  readonly mails: Mails
}

/** What comes into force instead of what. */
export interface NewPassword {
  readonly passwordHash: string
  /** The session that may go on; all others end. */
  readonly keepSession?: string
}

/** The one way in which an account gets another password. Knows no HTTP. */
export class PasswordReplacement {
  readonly #parts: PasswordReplacementParts

  constructor(parts: PasswordReplacementParts) {
    this.#parts = parts
  }

  /**
   * In the transaction that has the account's row locked: the password, and the end of everything
   * that the old one opened: access tokens, sessions, reset links, changes of the address that wait to be
   * confirmed. The owner is told by mail.
   */
  async replace(em: EntityManager, user: User, { passwordHash, keepSession }: NewPassword): Promise<void> {
    const { sessions, tokens, mails } = this.#parts
    user.passwordHash = passwordHash
    await sessions.outdate(em, user, keepSession)
    await tokens.revoke(em, 'password-reset', user.id)
    await tokens.revoke(em, 'email-change', user.id)
    mails.post(em, user.email, mails.passwordChanged())
  }
}

/**
 * Records that an account has its first password: a fact beside the attempt that brought it.
 * To be called when that is committed: there must be no row of what was rolled back.
 */
export async function recordFirstPassword({ id, email }: User): Promise<void> {
  await currentFlow()?.trail?.record('password_set', {
    actor: { type: 'user', id, label: email },
    subject: { type: 'user', id },
  })
}

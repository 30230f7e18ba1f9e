import { type AuditReason, currentAttempt } from '@countersign/core'
import { LockMode, type MikroORM } from '@mikro-orm/core'
import { canonicalEmail } from './email-address.js'
import { User } from './entities.js'
import type { Mails } from './mails.js'
import type { OneTimeTokens } from './one-time-tokens.js'

const thirtyMinutes = 1800

/** What {@link PasswordResets} works with. */
export interface PasswordResetsParts {
  readonly orm: MikroORM
  readonly tokens: OneTimeTokens
  readonly mails: Mails
}

/** Requests for a password reset. Knows no HTTP. */
export class PasswordResets {
  readonly #parts: PasswordResetsParts

  constructor(parts: PasswordResetsParts) {
    this.#parts = parts
  }

  /** Mails a link to the account's stored address; says nothing about whether there is one. */
  async request(email: string): Promise<void> {
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
      const token = await tokens.issue(em, 'password-reset', user.id, { seconds: thirtyMinutes })
      mails.post(em, user.email, mails.passwordReset(token))
    })
  }
}

function refusalOf(user: User | null): AuditReason | null {
  if (!user) return 'unknown_account'
  if (user.disabledAt) return 'disabled'
  return user.verifiedAt ? null : 'unverified'
}

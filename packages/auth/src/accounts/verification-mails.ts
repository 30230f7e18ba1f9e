import { type AuditReason, currentAttempt } from '@countersign/core'
import { type EntityManager, LockMode, type MikroORM } from '@mikro-orm/core'
import { inEvenTime } from '../mails/even-time.js'
import type { Mails } from '../mails/mails.js'
import { User } from '../store/entities.js'
import type { OneTimeTokens, TokenPayload } from '../store/one-time-tokens.js'
import { canonicalEmail } from './email-address.js'

/** What {@link VerificationMails} works with. */
export interface VerificationMailsParts {
  readonly orm: MikroORM
  readonly tokens: OneTimeTokens
  readonly mails: Mails
}

/** The mails whose link verifies an address. Knows no HTTP. */
export class VerificationMails {
  readonly #parts: VerificationMailsParts

  constructor(parts: VerificationMailsParts) {
    this.#parts = parts
  }

  /**
   * A link, in the transaction of `em`; using it brings the password into force that came with the
   * sign-up, unless another one was chosen for the address by then.
   */
  async send(em: EntityManager, user: User, payload: TokenPayload): Promise<void> {
    const { tokens, mails } = this.#parts
    const token = await tokens.issue(em, 'verify-account', user.id, payload)
    mails.post(em, user.email, mails.verification(token))
  }

  /**
   * Mails another link to an address that is not verified; says nothing about whether there is one.
   * The links before it end.
   *
   * The new link repeats the password of the sign-up where a single one was chosen, which still
   * waits. Otherwise it verifies the address and nothing else, and its owner chooses a password by
   * a reset.
   */
  async resend(email: string): Promise<void> {
    await inEvenTime(() => this.#resend(email))
  }

  async #resend(email: string): Promise<void> {
    const { orm, tokens } = this.#parts
    const canonical = canonicalEmail(email)
    await orm.em.fork().transactional(async (em) => {
      const locked = { lockMode: LockMode.PESSIMISTIC_WRITE } as const
      const user = canonical ? await em.findOne(User, { emailCanonical: canonical }, locked) : null
      const attempt = currentAttempt('email_verification_request')
      if (user) attempt.subject({ type: 'user', id: user.id })
      const refusal = refusalOf(user)
      if (!user || refusal) {
        attempt.outcome('failure', refusal ?? 'unknown_account')
        return
      }
      const passwordHash = await tokens.onlyPassword(em, 'verify-account', user.id)
      const username = await tokens.latestUserName(em, 'verify-account', user.id)
      await tokens.revoke(em, 'verify-account', user.id)
      await this.send(em, user, { passwordHash, username })
    })
  }
}

function refusalOf(user: User | null): AuditReason | null {
  if (!user) return 'unknown_account'
  if (user.disabledAt) return 'disabled'
  return user.verifiedAt ? 'already_verified' : null
}

import { currentAttempt, maskIdentifier } from '@countersign/core'
import { type EntityManager, LockMode, type MikroORM, UniqueConstraintViolationException } from '@mikro-orm/core'
import type { KnownDevice } from '../limits/known-devices.js'
import type { Mails } from '../mails/mails.js'
import { type PasswordProof, wrongPassword } from '../passwords/password-proof.js'
import type { Sessions } from '../sessions/sessions.js'
import { User } from '../store/entities.js'
import type { OneTimeTokens, TokenPurpose, UsedToken } from '../store/one-time-tokens.js'
import type { SecondFactors } from '../two-factor/second-factors.js'
import { AuthRefusal, worthlessLink } from '../web/auth-refusal.js'
import { canonicalEmail } from './email-address.js'

/** What {@link EmailChanges} works with. */
export interface EmailChangesParts {
  readonly orm: MikroORM
  readonly proof: PasswordProof
  readonly tokens: OneTimeTokens
  readonly mails: Mails
  readonly sessions: Sessions
  readonly factors: Pick<SecondFactors, 'forgetEnabledSince'>
}

/** Which address an account shall have, and the proof that its owner asks. */
export interface EmailChange {
  readonly email: string
  readonly password: string
  readonly device: KnownDevice | null
}

/**
 * Changes of the address of an account: asked for with the password, confirmed from the new
 * address, and taken back from the old one. Knows no HTTP.
 */
export class EmailChanges {
  readonly #parts: EmailChangesParts

  constructor(parts: EmailChangesParts) {
    this.#parts = parts
  }

  /**
   * Mails a link to the new address, and to the present one a notice with a link that takes it
   * back. Nothing else changes. Only the latest request counts. Does and answers the same whether
   * or not the address is somebody's.
   */
  async request(userId: string, { email, password, device }: EmailChange): Promise<void> {
    const { orm, proof } = this.#parts
    currentAttempt('email_change_request').subject({ type: 'user', id: userId }).attempted(email)
    const canonical = canonicalEmail(email)
    if (!canonical) throw new AuthRefusal(400, 'invalid_email', { detail: 'This is not an e-mail address.' })
    const verified = await proof.demand(userId, password, device)
    await orm.em.fork().transactional(async (em) => {
      const user = await em.findOne(User, { id: userId }, { lockMode: LockMode.PESSIMISTIC_WRITE })
      // A reset or another change was first: what was verified is no longer the password.
      if (!user || user.disabledAt || user.passwordHash !== verified) throw wrongPassword()
      if (canonical === user.emailCanonical) {
        throw new AuthRefusal(400, 'email_unchanged', { detail: 'This is the address that the account has already.' })
      }
      await this.#offer(em, user, email.trim(), canonical)
    })
  }

  /**
   * Uses the token that was mailed to the new address: the account has it from then on, and is
   * signed out everywhere. Refused as any worthless link when somebody else has the address by then.
   */
  async confirm(token: string): Promise<void> {
    await this.#use('email_change', 'email-change', token, async (em, user, { email }) => {
      const { tokens, mails } = this.#parts
      const old = user.email
      await this.#replace(em, user, email)
      const undo = await tokens.issue(em, 'email-change-undo', user.id, { email: old })
      mails.post(em, old, mails.emailChanged(undo, tokens.lifetimeOf('email-change-undo')))
      mails.post(em, user.email, mails.emailIsYours())
      currentAttempt('email_change')
        .attempted(user.email)
        .details({ from: maskIdentifier(old) })
    })
  }

  /**
   * Uses the token that was mailed to an address that the account had when the change was asked
   * for: the account has it again, signed out everywhere and without a password until a reset,
   * whose link is mailed. A second factor that was switched on since goes as well: it is not its
   * owner's. Links of later changes die, those of earlier ones do not: whoever took an
   * account over can't outdo its owner by changing the address once more.
   */
  async undo(token: string): Promise<void> {
    await this.#use('email_change_undo', 'email-change-undo', token, async (em, user, { email, createdAt }) => {
      const { tokens, mails, factors } = this.#parts
      const taken = user.email
      await this.#replace(em, user, email)
      user.passwordHash = null
      await factors.forgetEnabledSince(em, user.id, createdAt)
      await tokens.revoke(em, 'email-change-undo', user.id, createdAt)
      const reset = await tokens.issue(em, 'password-reset', user.id)
      mails.post(em, user.email, mails.emailRestored(reset, tokens.lifetimeOf('password-reset')))
      currentAttempt('email_change_undo')
        .attempted(user.email)
        .details({ from: maskIdentifier(taken) })
    })
  }

  async #offer(em: EntityManager, user: User, email: string, canonical: string): Promise<void> {
    const { tokens, mails } = this.#parts
    await tokens.revoke(em, 'email-change', user.id)
    const undo = await tokens.issue(em, 'email-change-undo', user.id, { email: user.email })
    mails.post(em, user.email, mails.emailChangeNotice(undo, tokens.lifetimeOf('email-change-undo')))
    const owner = await em.findOne(User, { emailCanonical: canonical }, { fields: ['id', 'email', 'verifiedAt'] })
    if (owner?.verifiedAt) {
      currentAttempt('email_change_request').outcome('failure', 'already_registered')
      mails.post(em, owner.email, mails.alreadyRegistered())
      return
    }
    const token = await tokens.issue(em, 'email-change', user.id, { email })
    mails.post(em, email, mails.emailChange(token, tokens.lifetimeOf('email-change')))
  }

  /** The account's row first, everywhere; then its token, by one conditional statement. */
  async #use(
    event: 'email_change' | 'email_change_undo',
    purpose: TokenPurpose,
    token: string,
    apply: (em: EntityManager, user: User, used: UsedToken) => Promise<void>,
  ): Promise<void> {
    const { orm, tokens } = this.#parts
    try {
      await orm.em.fork().transactional(async (em) => {
        const owner = await tokens.ownerOf(em, purpose, token)
        const user = owner ? await em.findOne(User, { id: owner }, { lockMode: LockMode.PESSIMISTIC_WRITE }) : null
        if (user) currentAttempt(event).subject({ type: 'user', id: user.id })
        if (user?.disabledAt) throw worthlessLink('disabled')
        const used = user && (await tokens.use(em, purpose, token))
        if (!user || !used) throw worthlessLink('invalid_token')
        await apply(em, user, used)
      })
    } catch (cause) {
      if (cause instanceof UniqueConstraintViolationException) throw worthlessLink('already_registered')
      throw cause
    }
  }

  async #replace(em: EntityManager, user: User, email: string | null): Promise<void> {
    const { sessions, tokens } = this.#parts
    const canonical = email && canonicalEmail(email)
    if (!canonical) throw worthlessLink('invalid_token')
    // Anybody can sign up with an address, to keep it from its owner; who has the link has the mailbox.
    await em.nativeDelete(User, { emailCanonical: canonical, verifiedAt: null })
    user.email = email
    user.emailCanonical = canonical
    await em.flush()
    await sessions.outdate(em, user)
    for (const purpose of ['password-reset', 'verify-account', 'email-change'] as const)
      await tokens.revoke(em, purpose, user.id)
  }
}

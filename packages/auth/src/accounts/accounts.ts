import { AuditError, currentAttempt, rowId } from '@countersign/core'
import { type EntityManager, LockMode, type MikroORM, UniqueConstraintViolationException } from '@mikro-orm/core'
import type { SqlEntityManager } from '@mikro-orm/postgresql'
import type { KnownDevice } from '../limits/known-devices.js'
import type { Lockouts } from '../limits/lockouts.js'
import type { Mails } from '../mails/mails.js'
import { recordFirstPassword } from '../passwords/password-replacement.js'
import type { Passwords } from '../passwords/passwords.js'
import { User } from '../store/entities.js'
import type { OneTimeTokens } from '../store/one-time-tokens.js'
import { AuthRefusal, worthlessLink, wrongCredentials } from '../web/auth-refusal.js'
import type { AccountLookup, FoundAccount } from './account-lookup.js'
import { canonicalEmail } from './email-address.js'
import { canonicalUserName } from './user-name.js'
import type { VerificationMails } from './verification-mails.js'

/** What {@link Accounts} works with. */
export interface AccountsParts {
  readonly orm: MikroORM
  readonly lookup: AccountLookup
  readonly passwords: Passwords
  readonly tokens: OneTimeTokens
  readonly mails: Mails
  readonly verificationMails: VerificationMails
  readonly lockouts: Lockouts
  /** Whether accounts have user names, by which one can log in as well. */
  readonly usernames: boolean
  /** Whether nobody may sign up. */
  readonly isClosed: boolean
}

/** What somebody logs in with, and from which known device. */
export interface Credentials {
  /** An e-mail address; where there are user names, one of these as well. */
  readonly email: string
  readonly password: string
  readonly device: KnownDevice | null
}

/** Accounts: how they come to be, and who may use one. Knows no HTTP. */
export class Accounts {
  readonly #parts: AccountsParts

  constructor(parts: AccountsParts) {
    this.#parts = parts
  }

  /**
   * Signs up. Does and answers the same, as slowly, whether the address is taken or not; who owns
   * it is told by mail. The password counts once the mail's link was used, and only if nobody
   * chose another one for the address: see {@link verify}. So does a user name: nobody keeps one
   * from others without a mailbox.
   */
  async signUp(email: string, password: string, username?: string): Promise<void> {
    const { orm, passwords, verificationMails } = this.#parts
    if (this.#parts.isClosed) throw registrationClosed()
    const canonical = canonicalEmail(email)
    if (!canonical) throw new AuthRefusal(400, 'invalid_email', { detail: 'This is not an e-mail address.' })
    await this.#assertFree(username)
    passwords.assertAcceptable(password, { email: canonical, username })
    const passwordHash = await this.#hashOf(canonical, password)
    await orm.em.fork().transactional(async (em) => {
      const user = await this.#insertOrLock(em, { email: email.trim(), canonical, passwordHash, isAdmin: false })
      currentAttempt('signup').subject({ type: 'user', id: user.id })
      if (user.verifiedAt) this.#tellOwner(em, user)
      else await verificationMails.send(em, user, { passwordHash, username: username?.trim() ?? null })
    })
  }

  /**
   * Uses a verification token; returns the account that it verified. A token that was issued while
   * the account was being verified is worth nothing: it would set another password.
   *
   * The password that came with the token comes into force if it is the only one that was ever
   * chosen for the address. Anybody may sign up with anybody's address, before its owner and after,
   * and a link does not say whose sign-up it came from. So of two different passwords neither
   * counts, even if one person chose both: the address is verified, the account has no password,
   * and whoever has the mailbox chooses one by a reset. The same password chosen twice is one.
   */
  async verify(token: string): Promise<User> {
    const verified = await this.#verify(token, true).catch((cause) => {
      // Somebody else got the user name at the same moment: the account goes without.
      if (cause instanceof UniqueConstraintViolationException) return this.#verify(token, false)
      throw cause
    })
    if (verified.passwordHash) await recordFirstPassword(verified)
    return verified
  }

  async #verify(token: string, named: boolean): Promise<User> {
    const { orm, tokens } = this.#parts
    return orm.em.fork().transactional(async (em) => {
      const owner = await tokens.ownerOf(em, 'verify-account', token)
      // The account's row first, everywhere: two tokens of one account would wait for each other.
      const user = owner ? await em.findOne(User, { id: owner }, { lockMode: LockMode.PESSIMISTIC_WRITE }) : null
      if (user) currentAttempt('email_verification').subject({ type: 'user', id: user.id })
      if (user?.disabledAt) throw worthlessLink('disabled')
      if (!user || user.verifiedAt) throw worthlessLink('invalid_token')
      const onlyPassword = await tokens.onlyPassword(em, 'verify-account', user.id)
      const used = await tokens.use(em, 'verify-account', token)
      if (!used) throw worthlessLink('invalid_token')
      user.verifiedAt = new Date()
      user.passwordHash = used.passwordHash && onlyPassword
      await tokens.revoke(em, 'verify-account', user.id)
      if (named) await this.#name(em, user, used.username)
      return user
    })
  }

  async #name(em: EntityManager, user: User, username: string | null): Promise<void> {
    const canonical = username && canonicalUserName(username)
    if (!canonical || (await em.count(User, { usernameCanonical: canonical })) > 0) return
    user.username = username
    user.usernameCanonical = canonical
  }

  /** A user name is no secret: who wants one may learn that somebody has it. */
  async #assertFree(username: string | undefined): Promise<void> {
    if (username === undefined) return
    const canonical = this.#parts.usernames ? canonicalUserName(username) : null
    if (!canonical) throw invalidUserName(this.#parts.usernames)
    const taken = await this.#parts.orm.em.fork().count(User, { usernameCanonical: canonical })
    if (taken > 0) throw new AuthRefusal(409, 'username_taken', { detail: 'Somebody has this user name already.' })
  }

  /** Checks an address and a password. Every refusal takes the same time and, to the client, says the same. */
  async authenticate({ email, password, device }: Credentials): Promise<FoundAccount> {
    const { lookup, passwords, lockouts } = this.#parts
    const user = await lookup.find(email)
    if (user) currentAttempt('login').subject({ type: 'user', id: user.id })
    const right = await lockouts.guard({ identifier: email, user, device }, () =>
      passwords.matches(user?.passwordHash, password),
    )
    if (!user) throw wrongCredentials('unknown_account')
    if (!right) throw wrongCredentials('bad_credentials')
    if (user.disabledAt) throw wrongCredentials('disabled')
    if (!user.verifiedAt) {
      // Only somebody who has the password learns this.
      throw new AuthRefusal(401, 'email_not_verified', {
        reason: 'unverified',
        detail: 'Please verify your e-mail address first.',
      })
    }
    await this.#strengthen(user, password)
    return user
  }

  /**
   * Makes the first administrator, unless the address is an administrator's already.
   *
   * @throws AuditError `SETTING_INVALID`, also when somebody else's account has the address; `BREACHES_UNREACHABLE`
   */
  async ensureAdmin(email: string, password: string): Promise<void> {
    const { orm } = this.#parts
    const canonical = canonicalEmail(email)
    if (!canonical) throw new AuditError('SETTING_INVALID', 'ADMIN_EMAIL is not an e-mail address.')
    const existing = await orm.em.fork().findOne(User, { emailCanonical: canonical })
    if (existing?.isAdmin) return
    const passwordHash = await this.#hashOfAdmin(canonical, password)
    const user = await orm.em
      .fork()
      .transactional((em) => this.#insertOrLock(em, { email: email.trim(), canonical, passwordHash, isAdmin: true }))
    if (user.isAdmin) return
    // Raising it would make an administrator of whoever signed up with the address, with their password.
    throw new AuditError(
      'SETTING_INVALID',
      'ADMIN_EMAIL has an account already, which is no administrator. Choose another ADMIN_EMAIL.',
    )
  }

  async #hashOfAdmin(email: string, password: string): Promise<string> {
    const { passwords } = this.#parts
    try {
      passwords.assertAcceptable(password, { email })
      return await passwords.hashChosen(password)
    } catch (cause) {
      if (!(cause instanceof AuthRefusal)) throw cause
      if (cause.code === 'unavailable')
        throw new AuditError(
          'BREACHES_UNREACHABLE',
          'Whether ADMIN_PASSWORD is in a leak is not known: the service of leaked passwords did not answer. Start again when it does.',
          { cause },
        )
      throw new AuditError('SETTING_INVALID', `ADMIN_PASSWORD is refused: ${cause.message}`, { cause })
    }
  }

  /** Hashes are made stronger as time goes by; the one moment to do so is when the password is here. */
  async #strengthen(user: User, password: string): Promise<void> {
    const { orm, passwords } = this.#parts
    const { id, passwordHash: old } = user
    const passwordHash = old && (await passwords.strengthened(old, password))
    if (!passwordHash) return
    // Unless a reset or a change was first: its password is another one.
    const changed = await orm.em.fork().nativeUpdate(User, { id, passwordHash: old }, { passwordHash })
    if (changed > 0) user.passwordHash = passwordHash
  }

  /** Hashes are salted: a password that is chosen again gets its first hash, and so counts as one. */
  async #hashOf(canonical: string, password: string): Promise<string> {
    const { orm, passwords } = this.#parts
    const user = await orm.em.fork().findOne(User, { emailCanonical: canonical })
    const known = user?.passwordHash
    // Both for every address: the time must not tell which is taken.
    const [fresh, isKnown] = await Promise.all([passwords.hashChosen(password), passwords.matches(known, password)])
    return known && isKnown ? known : fresh
  }

  async #insertOrLock(em: EntityManager, { email, canonical, passwordHash, isAdmin }: NewAccount): Promise<User> {
    // Two parallel sign-ups with one address: the database lets one row be.
    await (em as SqlEntityManager).execute(
      `insert into auth_user (id, email, email_canonical, password_hash, is_admin, created_at, verified_at)
       values (?, ?, ?, ?, ?, now(), case when ? then now() end) on conflict (email_canonical) do nothing`,
      [rowId(), email, canonical, passwordHash, isAdmin, isAdmin],
    )
    return em.findOneOrFail(User, { emailCanonical: canonical }, { lockMode: LockMode.PESSIMISTIC_WRITE })
  }

  #tellOwner(em: EntityManager, user: User): void {
    currentAttempt('signup').outcome('failure', 'already_registered')
    this.#parts.mails.post(em, user.email, this.#parts.mails.alreadyRegistered())
  }
}

interface NewAccount {
  readonly email: string
  readonly canonical: string
  readonly passwordHash: string
  readonly isAdmin: boolean
}

function registrationClosed(): AuthRefusal {
  return new AuthRefusal(403, 'registration_closed', { detail: 'Nobody can sign up here.' })
}

function invalidUserName(areThere: boolean): AuthRefusal {
  const form =
    'A user name has 3 to 32 letters, digits, dots, dashes or underscores, and begins and ends with a letter or digit.'
  return new AuthRefusal(400, 'invalid_username', { detail: areThere ? form : 'There are no user names here.' })
}

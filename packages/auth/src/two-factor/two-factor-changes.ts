import { currentAttempt } from '@countersign/core'
import { type EntityManager, LockMode, type MikroORM } from '@mikro-orm/core'
import type { KnownDevice } from '../limits/known-devices.js'
import type { MailContent, Mails } from '../mails/mails.js'
import { type PasswordProof, wrongPassword } from '../passwords/password-proof.js'
import type { Principal, Sessions } from '../sessions/sessions.js'
import { User } from '../store/entities.js'
import type { OneTimeTokens } from '../store/one-time-tokens.js'
import type { Sealing } from '../store/sealing.js'
import { AuthRefusal } from '../web/auth-refusal.js'
import type { BackupCodes } from './backup-codes.js'
import type { SecondFactors } from './second-factors.js'
import type { Totp } from './totp.js'
import { SecondFactor } from './two-factor-entities.js'
import { twoFactorMails } from './two-factor-mails.js'
import {
  alreadyEnabled,
  notEnabled,
  reauthenticationRequired,
  setupRequired,
  wrongCode,
} from './two-factor-refusals.js'

/** What {@link TwoFactorChanges} works with. */
export interface TwoFactorChangesParts {
  readonly orm: MikroORM
  readonly totp: Totp
  readonly sealing: Sealing
  readonly backupCodes: BackupCodes
  readonly factors: SecondFactors
  readonly proof: PasswordProof
  readonly sessions: Sessions
  readonly tokens: OneTimeTokens
  readonly mails: Mails
  /** Seconds after a login in which a second factor can be set up without the password. */
  readonly recentLogin: number
}

/** A secret that waits to be confirmed: shown once. */
export interface OfferedSecret {
  readonly secret: string
  readonly uri: string
}

/** An account as it is after a change, and the backup codes that are shown once. */
export interface ChangedCodes {
  readonly user: User
  readonly codes: readonly string[]
}

/** A password that is typed once more, and the known device that it comes from. */
export interface TypedPassword {
  readonly password: string
  readonly device: KnownDevice | null
}

// As long as it takes to find the telephone and to install an app.
const offerSeconds = 900

/**
 * Switches second factors on and off. Each change ends what was opened before it, but the session that
 * it was made in, and tells the account's owner. Knows no HTTP.
 */
export class TwoFactorChanges {
  readonly #parts: TwoFactorChangesParts

  constructor(parts: TwoFactorChangesParts) {
    this.#parts = parts
  }

  /** Offers a secret, in place of the one that was offered before. Takes the password, or a login of minutes ago. */
  async offer(
    principal: Principal,
    { password, device }: Omit<TypedPassword, 'password'> & { readonly password: string | undefined },
  ): Promise<OfferedSecret> {
    const { orm, totp, sealing, proof, recentLogin } = this.#parts
    const { userId } = principal
    if (password !== undefined) await proof.demand(userId, password, device)
    else if (Date.now() / 1000 - principal.authTime > recentLogin) throw reauthenticationRequired()
    const secret = totp.newSecret()
    const email = await orm.em.fork().transactional(async (em) => {
      const { user, kept } = await this.#lock(em, userId)
      if (!user.verifiedAt) throw unverified()
      if (kept?.enabledAt) throw alreadyEnabled()
      await em.upsert(SecondFactor, { userId, offeredSecret: sealing.seal(secret, userId), offeredAt: new Date() })
      return user.email
    })
    return { secret, uri: totp.uri(secret, email) }
  }

  /** Brings the secret that was offered last into force, by its first code. That code is used then. */
  async enable({ userId, sessionId }: Principal, typed: string): Promise<ChangedCodes> {
    const { orm, totp, sealing, backupCodes } = this.#parts
    return orm.em.fork().transactional(async (em) => {
      const { user, kept } = await this.#lock(em, userId)
      if (kept?.enabledAt) throw alreadyEnabled()
      const isWaiting = kept?.offeredAt && Date.now() - kept.offeredAt.getTime() < offerSeconds * 1000
      if (!isWaiting || !kept.offeredSecret) throw setupRequired()
      const lastStep = totp.stepOf(sealing.open(kept.offeredSecret, userId), typed.replace(/[ -]/g, ''))
      if (lastStep === null) throw wrongCode('wrong_code')
      em.assign(kept, { secret: kept.offeredSecret, enabledAt: new Date(), lastStep })
      em.assign(kept, { offeredSecret: null, offeredAt: null })
      const codes = await backupCodes.replace(em, userId)
      await this.#finish(em, user, { mail: twoFactorMails.enabled, keepSession: sessionId })
      return { user, codes }
    })
  }

  /** Switches the second factor off, which takes the password and a code; nothing of it is kept. */
  async disable({ userId, email, sessionId }: Principal, typed: TypedPassword & { code: string }): Promise<User> {
    const { orm, factors, proof } = this.#parts
    if (!(await factors.isOn(userId))) throw notEnabled()
    const passwordHash = await proof.demand(userId, typed.password, typed.device)
    await factors.use({ id: userId, email }, typed.code)
    return orm.em.fork().transactional(async (em) => {
      const { user } = await this.#lockEnabled(em, userId, passwordHash)
      await this.#wipe(em, userId)
      await this.#finish(em, user, { mail: twoFactorMails.disabled, keepSession: sessionId })
      return user
    })
  }

  /** New backup codes, which takes the password; those before are worth nothing. */
  async replaceCodes({ userId, sessionId }: Principal, { password, device }: TypedPassword): Promise<ChangedCodes> {
    const { orm, factors, proof, backupCodes } = this.#parts
    if (!(await factors.isOn(userId))) throw notEnabled()
    const passwordHash = await proof.demand(userId, password, device)
    return orm.em.fork().transactional(async (em) => {
      const { user } = await this.#lockEnabled(em, userId, passwordHash)
      const codes = await backupCodes.replace(em, userId)
      currentAttempt('backup_codes_regenerate').details({ count: codes.length })
      await this.#finish(em, user, { mail: twoFactorMails.codesReplaced, keepSession: sessionId })
      return { user, codes }
    })
  }

  /** For an administrator: takes the second factor away, and ends every session. False where there was none. */
  async reset(userId: string): Promise<boolean> {
    return this.#parts.orm.em.fork().transactional(async (em) => {
      const { user, kept } = await this.#lock(em, userId)
      if (!kept?.enabledAt) return false
      await this.#wipe(em, userId)
      await this.#finish(em, user, { mail: twoFactorMails.disabled })
      return true
    })
  }

  /** The account's row first, everywhere. */
  async #lock(em: EntityManager, userId: string): Promise<{ user: User; kept: SecondFactor | null }> {
    const user = await em.findOneOrFail(User, { id: userId }, { lockMode: LockMode.PESSIMISTIC_WRITE })
    return { user, kept: await em.findOne(SecondFactor, { userId }) }
  }

  /** With what was proved meanwhile: another change or a reset may have been first. */
  async #lockEnabled(em: EntityManager, userId: string, passwordHash: string): Promise<{ user: User }> {
    const { user, kept } = await this.#lock(em, userId)
    if (user.disabledAt || user.passwordHash !== passwordHash) throw wrongPassword()
    if (!kept?.enabledAt) throw notEnabled()
    return { user }
  }

  async #wipe(em: EntityManager, userId: string): Promise<void> {
    await em.nativeDelete(SecondFactor, { userId })
    await this.#parts.backupCodes.wipe(em, userId)
  }

  async #finish(em: EntityManager, user: User, { mail, keepSession }: Finish): Promise<void> {
    const { sessions, tokens, mails } = this.#parts
    await sessions.outdate(em, user, keepSession)
    for (const purpose of ['password-reset', 'email-change'] as const) await tokens.revoke(em, purpose, user.id)
    mails.post(em, user.email, mail(mails))
  }
}

interface Finish {
  readonly mail: (mails: Mails) => MailContent
  /** The session that may go on; all others end. */
  readonly keepSession?: string
}

function unverified(): AuthRefusal {
  return new AuthRefusal(403, 'email_not_verified', {
    reason: 'unverified',
    detail: 'Please verify your e-mail address first.',
  })
}

import type { EntityManager, MikroORM } from '@mikro-orm/core'
import type { SqlEntityManager } from '@mikro-orm/postgresql'
import type { Mails } from '../mails/mails.js'
import type { Sealing } from '../store/sealing.js'
import type { BackupCodes } from './backup-codes.js'
import type { CodeBudget, CountedAccount } from './code-budget.js'
import type { Totp } from './totp.js'
import { SecondFactor } from './two-factor-entities.js'
import { twoFactorMails } from './two-factor-mails.js'
import { notEnabled, wrongCode } from './two-factor-refusals.js'

/** What {@link SecondFactors} works with. */
export interface SecondFactorsParts {
  readonly orm: MikroORM
  readonly totp: Totp
  readonly sealing: Sealing
  readonly backupCodes: BackupCodes
  readonly budget: CodeBudget
  readonly mails: Mails
}

/** What a code was that is used up now; of a backup code also how many are left. */
export type UsedFactor = { readonly factor: 'totp' } | { readonly factor: 'backup_code'; readonly remaining: number }

/** Why a code is not taken. */
export type CodeFault = 'wrong_code' | 'code_reused'

/** The second factors of accounts: whether there is one, and what a code is worth. Knows no HTTP. */
export class SecondFactors {
  readonly #parts: SecondFactorsParts

  constructor(parts: SecondFactorsParts) {
    this.#parts = parts
  }

  /**
   * Whether logging in to an account takes a code.
   *
   * @param known what the account said of it when it was looked up, with the version that a session is opened for
   */
  async isOn(userId: string, known?: boolean): Promise<boolean> {
    return known ?? (await this.#em().count(SecondFactor, { userId, enabledAt: { $ne: null } })) > 0
  }

  /** Takes a second factor away that was switched on since then, in the transaction of `em`. */
  async forgetEnabledSince(em: EntityManager, userId: string, since: Date): Promise<void> {
    const forgotten = await em.nativeDelete(SecondFactor, { userId, enabledAt: { $gte: since } })
    if (forgotten > 0) await this.#parts.backupCodes.wipe(em, userId)
  }

  /** How many backup codes an account has left. */
  async remainingCodes(userId: string): Promise<number> {
    if (!(await this.isOn(userId))) throw notEnabled()
    return this.#parts.backupCodes.remaining(this.#em(), userId)
  }

  /**
   * Uses a code up: one of the authenticator's, of this time step or its neighbours and of a later one
   * than any that was used, or a backup code. Spaces and dashes do not count.
   *
   * @throws AuthRefusal for a code that is not taken, Throttled where too many were tried
   */
  async use(account: CountedAccount, typed: string): Promise<UsedFactor> {
    const { budget } = this.#parts
    const claim = await budget.claim(account.id)
    const used = await this.#use(account, typed)
    if (typeof used === 'string') {
      await budget.fail(account, claim)
      throw wrongCode(used)
    }
    await budget.clear(account.id)
    return used
  }

  async #use(account: CountedAccount, typed: string): Promise<UsedFactor | CodeFault> {
    const used = await this.#useStep(account.id, typed)
    return used === 'wrong_code' ? this.#useBackupCode(account, typed) : used
  }

  async #useStep(userId: string, typed: string): Promise<UsedFactor | CodeFault> {
    const { totp, sealing } = this.#parts
    const em = this.#em()
    const kept = await em.findOne(SecondFactor, { userId, enabledAt: { $ne: null } })
    if (!kept?.secret) throw notEnabled()
    const step = totp.stepOf(sealing.open(kept.secret, userId), typed.replace(/[ -]/g, ''))
    if (step === null) return 'wrong_code'
    // Of any number that bring codes of one step, or of an earlier one, at the same time, one gets through.
    const [used] = await em.execute<unknown[]>(
      `update auth_second_factor set last_step = ?
       where user_id = ? and secret = ? and (last_step is null or last_step < ?) returning user_id`,
      [step, userId, kept.secret, step],
    )
    return used ? { factor: 'totp' } : 'code_reused'
  }

  async #useBackupCode({ id, email }: CountedAccount, typed: string): Promise<UsedFactor | CodeFault> {
    const { backupCodes, mails } = this.#parts
    return this.#em().transactional(async (em) => {
      const remaining = await backupCodes.use(em, id, typed)
      if (remaining === null) return 'wrong_code'
      mails.post(em, email, twoFactorMails.codeUsed(mails, remaining))
      return { factor: 'backup_code', remaining }
    })
  }

  #em(): SqlEntityManager {
    return this.#parts.orm.em.fork() as EntityManager as SqlEntityManager
  }
}

import { createHmac, randomBytes } from 'node:crypto'
import type { Secrets } from '@countersign/core/keys'
import type { EntityManager } from '@mikro-orm/core'
import type { SqlEntityManager } from '@mikro-orm/postgresql'
import { OneTimeToken } from './entities.js'

/** What a token is good for, and nothing else. */
export type TokenPurpose = 'verify-account' | 'password-reset'

/** What a token that was used up stood for. */
export interface UsedToken {
  readonly userId: string
  readonly passwordHash: string | null
}

/** Tokens that are mailed: 256 random bits, kept as a keyed hash that has the purpose in it. */
export class OneTimeTokens {
  readonly #key: Uint8Array

  constructor(secrets: Secrets) {
    this.#key = secrets.key('one-time-token')
  }

  async issue(
    em: EntityManager,
    purpose: TokenPurpose,
    userId: string,
    options: { readonly seconds: number; readonly passwordHash?: string | null },
  ): Promise<string> {
    const token = randomBytes(32).toString('base64url')
    const now = Date.now()
    em.persist(
      em.create(OneTimeToken, {
        tokenHash: this.#hash(purpose, token),
        purpose,
        userId,
        passwordHash: options.passwordHash ?? null,
        createdAt: new Date(now),
        expiresAt: new Date(now + options.seconds * 1000),
        usedAt: null,
      }),
    )
    return token
  }

  /** Whose token this is, used or not: the account is locked before its token is used. */
  async ownerOf(em: EntityManager, purpose: TokenPurpose, token: string): Promise<string | null> {
    const where = { tokenHash: this.#hash(purpose, token), purpose }
    const found = await em.findOne(OneTimeToken, where, { fields: ['userId'], disableIdentityMap: true })
    return found?.userId ?? null
  }

  /** Uses a token up. One conditional statement decides among parallel uses; null for all but one. */
  async use(em: EntityManager, purpose: TokenPurpose, token: string): Promise<UsedToken | null> {
    const [used] = await (em as SqlEntityManager).execute<Array<{ user_id: string; password_hash: string | null }>>(
      `update auth_one_time_token set used_at = now()
       where token_hash = ? and purpose = ? and used_at is null and expires_at > now()
       returning user_id, password_hash`,
      [this.#hash(purpose, token), purpose],
    )
    return used ? { userId: used.user_id, passwordHash: used.password_hash } : null
  }

  /**
   * The password that tokens of a purpose may bring into force: the only one that any of them ever
   * carried, if one that carries it still waits. Tokens that were used, ended or grew old count as
   * well: nobody makes a password the only one by waiting. So they are kept as long as the account.
   */
  async onlyPassword(em: EntityManager, purpose: TokenPurpose, userId: string): Promise<string | null> {
    const [only] = await (em as SqlEntityManager).execute<Array<{ password_hash: string | null }>>(
      `select max(password_hash) as password_hash from auth_one_time_token
       where user_id = ? and purpose = ? and password_hash is not null
       having count(distinct password_hash) = 1 and bool_or(used_at is null and expires_at > now())`,
      [userId, purpose],
    )
    return only?.password_hash ?? null
  }

  /** Ends all outstanding tokens of a purpose: only the newest, or the used one, counts. */
  async revoke(em: EntityManager, purpose: TokenPurpose, userId: string): Promise<void> {
    await em.nativeUpdate(OneTimeToken, { userId, purpose, usedAt: null }, { usedAt: new Date() })
  }

  /** Ends all outstanding tokens of an account, whatever they are good for. */
  async revokeAll(em: EntityManager, userId: string): Promise<void> {
    await em.nativeUpdate(OneTimeToken, { userId, usedAt: null }, { usedAt: new Date() })
  }

  #hash(purpose: TokenPurpose, token: string): string {
    return createHmac('sha256', this.#key).update(`${purpose}\n${token}`).digest('base64url')
  }
}

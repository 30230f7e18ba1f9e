import { randomBytes } from 'node:crypto'
import type { KeyedHash, Secrets } from '@countersign/core/keys'
import type { EntityManager } from '@mikro-orm/core'
import type { SqlEntityManager } from '@mikro-orm/postgresql'
import { withDefaults } from '../settings/with-defaults.js'
import { OneTimeToken } from './entities.js'

/** What a token is good for, and nothing else. */
export type TokenPurpose = 'verify-account' | 'password-reset' | 'email-change' | 'email-change-undo'

/** Seconds that a mailed link works, by what it is for. */
export type LinkLifetimes = Readonly<Record<TokenPurpose, number>>

/** A day to verify an address, half an hour for a reset, an hour to confirm another address, a week to take it back. */
export const defaultLinkLifetimes: LinkLifetimes = {
  'verify-account': 86_400,
  'password-reset': 1800,
  'email-change': 3600,
  'email-change-undo': 7 * 86_400,
}

/** What using a token brings into force. */
export interface TokenPayload {
  /** The password that was chosen with it. */
  readonly passwordHash?: string | null
  /** The address that the account gets by it. */
  readonly email?: string
  /** The user name that was chosen with it. */
  readonly username?: string | null
}

/** What a token that was used up stood for. */
export interface UsedToken {
  readonly userId: string
  readonly passwordHash: string | null
  readonly email: string | null
  readonly username: string | null
  readonly createdAt: Date
}

/** Tokens that are mailed: 256 random bits, kept as a keyed hash that has the purpose in it. */
export class OneTimeTokens {
  readonly #keyed: KeyedHash
  readonly #lifetimes: LinkLifetimes

  constructor(secrets: Secrets, lifetimes: Partial<LinkLifetimes> = {}) {
    this.#keyed = secrets.keyedHash('one-time-token')
    this.#lifetimes = withDefaults(defaultLinkLifetimes, lifetimes)
  }

  /** Seconds that a token of this purpose is good for. */
  lifetimeOf(purpose: TokenPurpose): number {
    return this.#lifetimes[purpose]
  }

  async issue(
    em: EntityManager,
    purpose: TokenPurpose,
    userId: string,
    { passwordHash = null, email, username = null }: TokenPayload = {},
  ): Promise<string> {
    const token = randomBytes(32).toString('base64url')
    // By the database's clock, as it is when the account is locked: which of two is later, no process tells.
    await (em as SqlEntityManager).execute(
      `insert into auth_one_time_token
         (token_hash, purpose, user_id, password_hash, email, username, created_at, expires_at)
       values (?, ?, ?, ?, ?, ?, clock_timestamp(), clock_timestamp() + make_interval(secs => ?))`,
      [this.#hash(purpose, token), purpose, userId, passwordHash, email ?? null, username, this.#lifetimes[purpose]],
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
    const [used] = await (em as SqlEntityManager).execute<UsedRow[]>(
      `update auth_one_time_token set used_at = now()
       where token_hash = ? and purpose = ? and used_at is null and expires_at > now()
       returning user_id, password_hash, email, username, created_at`,
      [this.#hash(purpose, token), purpose],
    )
    if (!used) return null
    const { user_id: userId, password_hash: passwordHash, email, username, created_at } = used
    return { userId, passwordHash, email, username, createdAt: new Date(created_at) }
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

  /** The user name that was chosen last with a token of a purpose. */
  async latestUserName(em: EntityManager, purpose: TokenPurpose, userId: string): Promise<string | null> {
    const chosen = { userId, purpose, username: { $ne: null } }
    const latest = await em.findOne(OneTimeToken, chosen, { orderBy: { createdAt: 'desc' }, fields: ['username'] })
    return latest?.username ?? null
  }

  /** Ends all outstanding tokens of a purpose, or those since a moment: only the newest, or the used one, counts. */
  async revoke(em: EntityManager, purpose: TokenPurpose, userId: string, since?: Date): Promise<void> {
    const later = since === undefined ? {} : { createdAt: { $gte: since } }
    await em.nativeUpdate(OneTimeToken, { userId, purpose, usedAt: null, ...later }, { usedAt: new Date() })
  }

  /** Ends all outstanding tokens of an account, whatever they are good for. */
  async revokeAll(em: EntityManager, userId: string): Promise<void> {
    await em.nativeUpdate(OneTimeToken, { userId, usedAt: null }, { usedAt: new Date() })
  }

  #hash(purpose: TokenPurpose, token: string): string {
    return this.#keyed(`${purpose}\n${token}`)
  }
}

interface UsedRow {
  readonly user_id: string
  readonly password_hash: string | null
  readonly email: string | null
  readonly username: string | null
  readonly created_at: Date | string
}

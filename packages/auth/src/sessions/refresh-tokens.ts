import { randomBytes } from 'node:crypto'
import { Throttled } from '@countersign/core'
import type { KeyedHash, Secrets } from '@countersign/core/keys'
import type { EntityManager } from '@mikro-orm/core'
import type { SqlEntityManager } from '@mikro-orm/postgresql'

/** The session that a refresh token renews, as it is then. */
export interface RenewedSession {
  readonly session_id: string
  readonly user_id: string
  readonly email: string
  readonly token_version: number
  readonly remember: boolean
  readonly amr: string
  /** Seconds since 1970. */
  readonly auth_time: number
}

/** A session, and the token that it is to be renewed with the next time. */
export interface Rotation {
  readonly session: RenewedSession
  readonly successor: string
}

/** What became of a token that renews nothing. */
export interface SpentToken {
  readonly session_id: string
  readonly user_id: string
  readonly email: string
  /** True when token, session and account would be good. */
  readonly alive: boolean
  /** True when it was exchanged before. */
  readonly used: boolean
}

/** What {@link RefreshTokens} work with. */
export interface RefreshTokensOptions {
  readonly secrets: Secrets
  /** Seconds for which the same exchange gets the same answer again. */
  readonly grace: number
  /** Seconds that a session stays when nobody uses it: without and with "remember me". */
  readonly idle: { readonly usual: number; readonly remembered: number }
  /** Exchanges of one session in an hour. */
  readonly perHour: number
}

const renewed = `session.id as session_id, session.user_id, session.remember, session.amr,
  extract(epoch from session.authenticated_at)::float8 as auth_time, account.token_version, account.email`

const isAlive = `session.ended_at is null and session.expires_at > now() and session.idle_until > now()
  and account.disabled_at is null`

/**
 * Refresh tokens: 256 random bits, kept as a keyed hash, exchanged once. The next one is computed from
 * the one before, so that two tabs with the same token get the same next one, and none is stored.
 */
export class RefreshTokens {
  readonly #options: RefreshTokensOptions
  readonly #hash: KeyedHash
  readonly #successorOf: KeyedHash

  constructor(options: RefreshTokensOptions) {
    this.#options = options
    this.#hash = options.secrets.keyedHash('refresh-token')
    this.#successorOf = options.secrets.keyedHash('refresh-successor')
  }

  /** What one is refused with that would be exchanged, but for the number of exchanges. */
  get tooMany(): Throttled {
    return new Throttled({ scope: 'session_refresh', by: 'identifier', limit: this.#options.perHour, retryAfter: 600 })
  }

  /** A token that nobody has yet, and the hash that it is kept as. */
  fresh(): { readonly token: string; readonly hash: string } {
    const token = randomBytes(32).toString('base64url')
    return { token, hash: this.#hash(token) }
  }

  /** A new first token of a session, after {@link revoke}. */
  async issue(em: EntityManager, sessionId: string): Promise<string> {
    const { token, hash } = this.fresh()
    await run(
      em,
      `insert into auth_refresh_token (token_hash, session_id, created_at, expires_at)
       select ?, id, now(), expires_at from auth_session where id = ?`,
      [hash, sessionId],
    )
    return token
  }

  /**
   * Exchanges a token. One statement locks the session, claims the token, stores the next one and keeps
   * the session alive, so that of parallel exchanges one does; null for all others.
   */
  async rotate(em: EntityManager, token: string): Promise<Rotation | null> {
    const { idle, perHour } = this.#options
    const [hash, successor] = [this.#hash(token), this.#successorOf(token)]
    const [session] = await run<RenewedSession>(
      em,
      // The session first, as whoever takes its tokens back does: no successor is made behind their back.
      `with owner as (
         select session.id, account.token_version, account.email
         from auth_session as session join auth_user as account on account.id = session.user_id
         where session.id = (select session_id from auth_refresh_token where token_hash = ?) and ${isAlive}
         for update of session
       ), claimed as (
         update auth_refresh_token as token set used_at = now() from owner
         where token.token_hash = ? and token.used_at is null and token.expires_at > now()
           and (select count(*) from auth_refresh_token as recent
                where recent.session_id = owner.id and recent.created_at > now() - interval '1 hour') <= ?
         returning token.token_hash, token.session_id, token.expires_at
       ), successor as (
         insert into auth_refresh_token (token_hash, parent_hash, session_id, created_at, expires_at)
         select ?, token_hash, session_id, now(), expires_at from claimed
       ), session as (
         update auth_session as renewed set seen_at = now(), idle_until =
           least(renewed.expires_at, now() + make_interval(secs => case when renewed.remember then ? else ? end))
         from claimed where renewed.id = claimed.session_id returning renewed.*
       )
       select ${renewed} from session join owner as account on account.id = session.id`,
      [hash, hash, perHour, this.#hash(successor), idle.remembered, idle.usual],
    )
    return session ? { session, successor } : null
  }

  /**
   * The same exchange once more, within the grace: for the token before the newest one only, and only
   * while nobody has used that.
   */
  async repeat(em: EntityManager, token: string): Promise<Rotation | null> {
    const successor = this.#successorOf(token)
    const [session] = await run<RenewedSession>(
      em,
      `select ${renewed} from auth_refresh_token as token
       join auth_session as session on session.id = token.session_id
       join auth_user as account on account.id = session.user_id
       join auth_refresh_token as next on next.token_hash = ?
       where token.token_hash = ? and next.used_at is null and token.expires_at > now() and ${isAlive}
         and token.used_at > now() - make_interval(secs => ?)`,
      [this.#hash(successor), this.#hash(token), this.#options.grace],
    )
    return session ? { session, successor } : null
  }

  /** What became of a token; null for one that never was, or whose session is long gone. */
  async find(em: EntityManager, token: string): Promise<SpentToken | null> {
    const [spent] = await run<SpentToken>(
      em,
      `select session.id as session_id, session.user_id, account.email, token.used_at is not null as used, token.expires_at > now() and ${isAlive} as alive
       from auth_refresh_token as token join auth_session as session on session.id = token.session_id
       join auth_user as account on account.id = session.user_id where token.token_hash = ?`,
      [this.#hash(token)],
    )
    return spent ?? null
  }

  /** Takes all tokens of a session back. None of them is known afterwards, so that none tells of a theft. */
  async revoke(em: EntityManager, sessionId: string): Promise<void> {
    // An exchange under way is waited for, and what it adds is not seen by the statement that waits: once more, then.
    const sweep = 'delete from auth_refresh_token where session_id = ? returning token_hash'
    while ((await run(em, sweep, [sessionId])).length > 0);
  }
}

function run<Row>(em: EntityManager, statement: string, values: unknown[]): Promise<Row[]> {
  return (em as SqlEntityManager).execute<Row[]>(statement, values)
}

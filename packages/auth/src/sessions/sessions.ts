import type { SqlClient } from '@countersign/adapters/mikro-orm'
import { type AuditReason, currentAttempt, currentContext, currentFlow, rowId } from '@countersign/core'
import { type EntityManager, LockMode, type MikroORM } from '@mikro-orm/core'
import type { SqlEntityManager } from '@mikro-orm/postgresql'
import type { Mails } from '../mails/mails.js'
import { Session, User } from '../store/entities.js'
import { hurried } from '../store/hurried-commit.js'
import { AuthRefusal, wrongCredentials } from '../web/auth-refusal.js'
import type { AccessTokens } from './access-tokens.js'
import type { RefreshTokens, RenewedSession, Rotation, SpentToken } from './refresh-tokens.js'
import { keyCounts, kidInForce } from './signing-keys.js'

/** A session, and whose it is. */
export interface SessionOwner {
  readonly userId: string
  readonly sessionId: string
  readonly email: string
}

/** Who is asking, as a verified token and a living session say. */
export interface Principal extends SessionOwner {
  readonly isAdmin: boolean
  /** When somebody last proved in this session to be the account's owner, in seconds since 1970. */
  readonly authTime: number
  /** How, in the words of RFC 8176: `pwd`, `otp`, … */
  readonly amr: readonly string[]
}

/** What a login gets. */
export interface OpenedSession {
  readonly sessionId: string
  readonly accessToken: string
  readonly refreshToken: string
  /** Seconds until the access token expires. */
  readonly expiresIn: number
  /** Seconds for which a browser keeps the refresh token; null for as long as it runs. */
  readonly keepFor: number | null
}

/** How a session begins. */
export interface SessionOptions {
  /** Whether it outlives the browser ("remember me"). */
  readonly remember: boolean
  /** How the login was proved, in the words of RFC 8176 (`['pwd']`). */
  readonly amr?: readonly string[]
}

/** Seconds that a session lives: when nobody uses it, and at the most. */
export interface SessionLifetime {
  readonly idle: number
  readonly absolute: number
}

/** The lifetimes of sessions without and with "remember me". */
export interface SessionLifetimes {
  readonly usual: SessionLifetime
  readonly remembered: SessionLifetime
}

/** What {@link Sessions} works with. */
export interface SessionsParts {
  readonly orm: MikroORM
  readonly statements: SqlClient
  readonly accessTokens: AccessTokens
  readonly refreshTokens: RefreshTokens
  readonly lifetimes: SessionLifetimes
  readonly mails: Mails
}

interface PrincipalRow {
  readonly email: string
  readonly is_admin: boolean
  readonly auth_time: number
  readonly amr: string
  readonly unseen: boolean
}

const principalQuery = `select account.email, account.is_admin, session.amr,
    extract(epoch from session.authenticated_at)::float8 as auth_time,
    session.seen_at < now() - interval '1 minute' as unseen
  from auth_session as session join auth_user as account on account.id = session.user_id
  where session.id = $1 and account.id = $2 and account.token_version = $3 and account.disabled_at is null
    and session.ended_at is null and session.expires_at > now() and session.idle_until > now()
    and ${keyCounts('$4')}`

// Locks the account: a reset at the same time ends this session, or was first. It is hurried: the login's row comes after
// it, and is on the disk before the answer. Where rows are elsewhere, or wait in the spool, a crash of the database may
// take the session, and its owner logs in again.
const openingStatement = `with quick as (${hurried}), account as (
    update auth_user set last_login_at = now() from quick
    where hurried = 'off' and id = $1 and token_version = $2 and disabled_at is null returning id
  ), session as (
    insert into auth_session (id, user_id, address, user_agent, remember, amr,
      created_at, seen_at, authenticated_at, expires_at, idle_until)
    select $3, id, $4, $5, $6, $7, now(), now(), now(),
      now() + make_interval(secs => $8), now() + make_interval(secs => $9)
    from account returning *
  ), token as (
    insert into auth_refresh_token (token_hash, session_id, created_at, expires_at)
    select $10, id, now(), expires_at from session
  )
  select extract(epoch from authenticated_at)::float8 as auth_time, ${kidInForce} as kid from session`

/** Sessions: one row per login, which every request must find alive. Knows no HTTP. */
export class Sessions {
  readonly #parts: SessionsParts

  constructor(parts: SessionsParts) {
    this.#parts = parts
  }

  /** Opens a session for an account as it was found; refused when its password was replaced meanwhile. */
  async open(user: User, { remember, amr = ['pwd'] }: SessionOptions): Promise<OpenedSession> {
    const { statements, refreshTokens, lifetimes } = this.#parts
    const { address = null, userAgent = null } = currentContext()
    const { idle, absolute } = remember ? lifetimes.remembered : lifetimes.usual
    const id = rowId()
    const { token, hash } = refreshTokens.fresh()
    const values = [
      ...[user.id, user.tokenVersion, id, address, userAgent, remember, amr.join(' ')],
      ...[absolute, Math.min(idle, absolute), hash],
    ]
    const [opened] = await statements.query<{ auth_time: number; kid: string | null }>(
      openingStatement,
      values,
      'countersign-open-session',
    )
    if (!opened) throw wrongCredentials('bad_credentials')
    currentAttempt().session(id)
    const session = { id, remember, amr: amr.join(' '), authenticatedAt: new Date(opened.auth_time * 1000) }
    return this.#opened(sessionOf(user, session), token, opened.kid)
  }

  /**
   * Fresh tokens for a session that goes on as it was: the same "remember me", the same end. Those it
   * had before are worth nothing. For whoever just proved to be the account's owner.
   */
  async renew(user: User, sessionId: string, amr?: readonly string[]): Promise<OpenedSession> {
    const { orm, refreshTokens } = this.#parts
    const { session, refreshToken } = await orm.em.fork().transactional(async (em) => {
      // The session before its tokens, as in an exchange: else the two would wait for each other.
      const locked = { lockMode: LockMode.PESSIMISTIC_WRITE } as const
      const session = await em.findOne(Session, { id: sessionId, userId: user.id, endedAt: null }, locked)
      if (!session) throw worthlessRefresh('unauthenticated')
      await refreshTokens.revoke(em, sessionId)
      session.authenticatedAt = new Date()
      if (amr) session.amr = amr.join(' ')
      return { session, refreshToken: await refreshTokens.issue(em, sessionId) }
    })
    return this.#opened(sessionOf(user, session), refreshToken)
  }

  /** Exchanges a refresh token. One that was exchanged before ends its session: somebody copied it. */
  async refresh(token: string): Promise<OpenedSession> {
    const { orm, refreshTokens } = this.#parts
    const em = orm.em.fork()
    const rotation = (await refreshTokens.rotate(em, token)) ?? (await refreshTokens.repeat(em, token))
    if (rotation) return this.#refreshed(rotation)
    const spent = await refreshTokens.find(em, token)
    if (!spent) throw worthlessRefresh()
    tellWhose(spent)
    if (spent.alive && !spent.used) throw refreshTokens.tooMany
    if (spent.alive) await this.#revokeFamily(spent)
    throw worthlessRefresh(spent.used ? 'reused' : 'invalid_token')
  }

  /** Whose living session a refresh token belongs to, whether it was exchanged or not; null for any other token. */
  async ownerOf(refreshToken: string): Promise<SessionOwner | null> {
    const { orm, refreshTokens } = this.#parts
    const found = await refreshTokens.find(orm.em.fork(), refreshToken)
    return found?.alive ? { sessionId: found.session_id, userId: found.user_id, email: found.email } : null
  }

  /** The principal behind an access token; null unless token, key, session and account are all good. */
  async principalOf(accessToken: string): Promise<Principal | null> {
    const { statements, accessTokens } = this.#parts
    const claims = await accessTokens.verify(accessToken)
    if (!claims) return null
    const { sessionId, userId, tokenVersion, kid } = claims
    const values = [sessionId, userId, tokenVersion, kid]
    const [row] = await statements.query<PrincipalRow>(principalQuery, values, 'countersign-principal')
    if (!row) return null
    if (row.unseen) await this.#see(sessionId)
    const { email, is_admin: isAdmin, auth_time: authTime, amr } = row
    return { userId, sessionId, email, isAdmin, authTime, amr: amr.split(' ') }
  }

  /**
   * In the transaction that has the account's row locked: nothing counts any more that was opened before. A session
   * that goes on has no tokens until {@link renew}: whoever copied those it had must not exchange them meanwhile.
   */
  async outdate(em: EntityManager, user: User, keepSession?: string): Promise<void> {
    user.tokenVersion += 1
    if (keepSession !== undefined) await this.#parts.refreshTokens.revoke(em, keepSession)
    await this.endAll(em, user.id, keepSession)
  }

  /** Ends every session of an account, but one that is named, in the transaction of `em`; returns how many. */
  async endAll(em: EntityManager, userId: string, but?: string): Promise<number> {
    const ending = { userId, endedAt: null, ...(but === undefined ? {} : { id: { $ne: but } }) }
    return em.nativeUpdate(Session, ending, { endedAt: new Date() })
  }

  /** Ends a session; false when it had ended. */
  async end(sessionId: string): Promise<boolean> {
    const ending = { id: sessionId, endedAt: null }
    return (await this.#parts.orm.em.fork().nativeUpdate(Session, ending, { endedAt: new Date() })) > 0
  }

  #refreshed({ session, successor }: Rotation): Promise<OpenedSession> {
    tellWhose(session)
    currentAttempt('token_refresh').actor({ id: session.user_id, label: session.email })
    return this.#opened(session, successor)
  }

  async #opened(session: RenewedSession, refreshToken: string, kid: string | null = null): Promise<OpenedSession> {
    const { accessTokens, lifetimes } = this.#parts
    const { session_id: sessionId, user_id: userId, token_version: tokenVersion, remember } = session
    const authTime = Math.floor(session.auth_time)
    const subject = { userId, sessionId, tokenVersion, authTime, amr: session.amr.split(' '), kid }
    const accessToken = await accessTokens.issue(subject)
    const keepFor = remember ? lifetimes.remembered.idle : null
    return { sessionId, accessToken, refreshToken, expiresIn: accessTokens.seconds, keepFor }
  }

  /** One use a minute is noted: a request is no reason to write. */
  async #see(sessionId: string): Promise<void> {
    const { orm, lifetimes } = this.#parts
    const { usual, remembered } = lifetimes
    await (orm.em.fork() as SqlEntityManager).execute(
      `update auth_session set seen_at = now(),
         idle_until = least(expires_at, now() + make_interval(secs => case when remember then ? else ? end))
       where id = ? and seen_at < now() - interval '1 minute' and idle_until > now()`,
      [remembered.idle, usual.idle, sessionId],
    )
  }

  /** Of parallel uses of a copied token one ends the session, tells the owner and leaves the row. */
  async #revokeFamily({ session_id: id, user_id: userId }: SpentToken): Promise<void> {
    const { orm, mails } = this.#parts
    const owner = await orm.em.fork().transactional(async (em) => {
      // The account's row first, everywhere.
      const user = await em.findOne(User, { id: userId }, { lockMode: LockMode.PESSIMISTIC_WRITE })
      const ended = await em.nativeUpdate(Session, { id, endedAt: null }, { endedAt: new Date() })
      if (!user || ended === 0) return null
      mails.post(em, user.email, mails.copiedToken())
      return user
    })
    if (!owner) return
    await currentFlow()?.trail?.record('token_reuse', {
      outcome: 'failure',
      reason: 'reused',
      subject: { type: 'user', id: owner.id },
      session: id,
      details: { revoked: 1 },
    })
  }
}

function tellWhose({ session_id, user_id }: { readonly session_id: string; readonly user_id: string }): void {
  currentAttempt('token_refresh').subject({ type: 'user', id: user_id }).session(session_id)
}

function sessionOf(user: User, session: Pick<Session, 'id' | 'remember' | 'amr' | 'authenticatedAt'>): RenewedSession {
  return {
    session_id: session.id,
    user_id: user.id,
    email: user.email,
    token_version: user.tokenVersion,
    remember: session.remember,
    amr: session.amr,
    auth_time: session.authenticatedAt.getTime() / 1000,
  }
}

/** The one answer to every refresh token that is worth nothing; the row's reason tells why. */
export function worthlessRefresh(reason: AuditReason = 'invalid_token'): AuthRefusal {
  return new AuthRefusal(401, 'invalid_token', { reason, detail: 'Please log in.' })
}

import { currentAttempt, currentContext, rowId } from '@countersign/core'
import type { EntityManager, MikroORM } from '@mikro-orm/core'
import { Session, User } from '../store/entities.js'
import { wrongCredentials } from '../web/auth-refusal.js'
import type { AccessTokens } from './access-tokens.js'

/** Who is asking, as a verified token and a living session say. */
export interface Principal {
  readonly userId: string
  readonly sessionId: string
  readonly email: string
  readonly isAdmin: boolean
}

/** What a login gets. */
export interface OpenedSession {
  readonly accessToken: string
  /** Seconds until the access token expires. */
  readonly expiresIn: number
}

/** What {@link Sessions} works with. */
export interface SessionsParts {
  readonly orm: MikroORM
  readonly accessTokens: AccessTokens
  /** Seconds that a session lives: without and with "remember me". */
  readonly lifetimes: { readonly usual: number; readonly remembered: number }
}

/** Sessions: one row per login, which every request must find alive. Knows no HTTP. */
export class Sessions {
  readonly #parts: SessionsParts

  constructor(parts: SessionsParts) {
    this.#parts = parts
  }

  /** Opens a session for an account as it was found; refused when its password was replaced meanwhile. */
  async open(user: User, remember: boolean): Promise<OpenedSession> {
    const { orm, accessTokens, lifetimes } = this.#parts
    const { address = null, userAgent = null } = currentContext()
    const now = Date.now()
    const session = {
      id: rowId(),
      userId: user.id,
      createdAt: new Date(now),
      expiresAt: new Date(now + (remember ? lifetimes.remembered : lifetimes.usual) * 1000),
      endedAt: null,
      address,
      userAgent,
      remember,
    }
    await orm.em.fork().transactional(async (em) => {
      // Locks the account: a reset at the same time ends this session, or was first.
      const unchanged = { id: user.id, tokenVersion: user.tokenVersion }
      const found = await em.nativeUpdate(User, unchanged, { lastLoginAt: session.createdAt })
      if (found === 0) throw wrongCredentials('bad_credentials')
      await em.insert(Session, session)
    })
    currentAttempt('login').session(session.id)
    return accessTokens.issue({ userId: user.id, sessionId: session.id, tokenVersion: user.tokenVersion })
  }

  /** A fresh access token for a session that goes on as it was: the same "remember me", the same end. */
  async renew(user: User, sessionId: string): Promise<OpenedSession> {
    return this.#parts.accessTokens.issue({ userId: user.id, sessionId, tokenVersion: user.tokenVersion })
  }

  /** The principal behind an access token; null unless token, session and account are all good. */
  async principalOf(accessToken: string): Promise<Principal | null> {
    const { orm, accessTokens } = this.#parts
    const claims = await accessTokens.verify(accessToken)
    if (!claims) return null
    const em = orm.em.fork()
    const session = await em.findOne(Session, {
      id: claims.sessionId,
      userId: claims.userId,
      endedAt: null,
      expiresAt: { $gt: new Date() },
    })
    const user =
      session && (await em.findOne(User, { id: claims.userId, disabledAt: null, tokenVersion: claims.tokenVersion }))
    if (!session || !user) return null
    return { userId: user.id, sessionId: session.id, email: user.email, isAdmin: user.isAdmin }
  }

  /** Ends every session of an account, but one that is named, in the transaction of `em`. */
  async endAll(em: EntityManager, userId: string, but?: string): Promise<void> {
    const ending = { userId, endedAt: null, ...(but === undefined ? {} : { id: { $ne: but } }) }
    await em.nativeUpdate(Session, ending, { endedAt: new Date() })
  }

  async end(sessionId: string): Promise<void> {
    await this.#parts.orm.em.fork().nativeUpdate(Session, { id: sessionId, endedAt: null }, { endedAt: new Date() })
  }
}

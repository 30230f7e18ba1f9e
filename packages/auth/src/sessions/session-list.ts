import { bowserDevice } from '@countersign/adapters/bowser'
import { currentAttempt, isRowId } from '@countersign/core'
import { LockMode, type MikroORM } from '@mikro-orm/core'
import type { SqlEntityManager } from '@mikro-orm/postgresql'
import { Session, User } from '../store/entities.js'
import { AuthRefusal } from '../web/auth-refusal.js'
import type { Principal, Sessions } from './sessions.js'

/** What {@link SessionList} works with. */
export interface SessionListParts {
  readonly orm: MikroORM
  readonly sessions: Sessions
}

/** A part of the list, and where the next one begins. */
export interface SessionPage {
  readonly items: ReadonlyArray<Readonly<Record<string, unknown>>>
  readonly nextCursor: string | null
}

const usualSize = 50

/** What somebody sees of the own sessions, and how to end them. Knows no HTTP. */
export class SessionList {
  readonly #parts: SessionListParts
  readonly #deviceOf = bowserDevice()

  constructor(parts: SessionListParts) {
    this.#parts = parts
  }

  /** The own sessions that are alive, the newest first. A cursor is the id of a session. */
  async page(
    { userId, sessionId }: Principal,
    { limit = usualSize, cursor }: { readonly limit?: number | undefined; readonly cursor?: string | undefined },
  ): Promise<SessionPage> {
    if (cursor !== undefined && !isRowId(cursor))
      throw new AuthRefusal(400, 'invalid_request', { detail: 'This cursor is not one of this list.' })
    const now = new Date()
    const alive = { userId, endedAt: null, expiresAt: { $gt: now }, idleUntil: { $gt: now } }
    const found = await this.#parts.orm.em
      .fork()
      .find(Session, cursor === undefined ? alive : { ...alive, id: { $lt: cursor } }, {
        orderBy: { id: 'desc' },
        limit: limit + 1,
      })
    const items = found.slice(0, limit)
    const nextCursor = found.length > limit ? (items.at(-1)?.id ?? null) : null
    return { items: items.map((session) => this.#json(session, sessionId)), nextCursor }
  }

  /** Ends one of the own sessions; somebody else's is answered like one that never was. */
  async revoke({ userId }: Principal, id: string): Promise<void> {
    if (!uuid.test(id)) throw new AuthRefusal(400, 'invalid_request', { detail: 'This is not the id of a session.' })
    const em = this.#parts.orm.em.fork() as SqlEntityManager
    currentAttempt('session_revoke').subject({ type: 'user', id: userId })
    const [ended] = await em.execute<unknown[]>(
      'update auth_session set ended_at = now() where id = ? and user_id = ? and ended_at is null returning id',
      [id, userId],
    )
    if (ended) return
    const [foreign] = await em.execute<unknown[]>('select from auth_session where id = ? and user_id <> ?', [
      id,
      userId,
    ])
    if (foreign) currentAttempt('session_revoke').outcome('denied', 'forbidden')
    throw new AuthRefusal(404, 'not_found', { detail: 'There is no such session.' })
  }

  /** Ends all own sessions but the one that asks; returns how many those were. */
  async revokeOthers({ userId, sessionId }: Principal): Promise<number> {
    const { orm, sessions } = this.#parts
    const revoked = await orm.em.fork().transactional(async (em) => {
      // The account's row first, everywhere: a login that is under way is among the others.
      await em.findOneOrFail(User, { id: userId }, { lockMode: LockMode.PESSIMISTIC_WRITE })
      return sessions.endAll(em, userId, sessionId)
    })
    currentAttempt('session_revoke_all').subject({ type: 'user', id: userId }).details({ revoked })
    return revoked
  }

  #json(session: Session, current: string): Record<string, unknown> {
    const { id, createdAt, seenAt, expiresAt, idleUntil, address, userAgent, remember } = session
    return {
      id,
      current: id === current,
      device: userAgent ? this.#deviceOf(userAgent) : null,
      user_agent: userAgent ?? null,
      address: address ?? null,
      remember_me: remember,
      created_at: createdAt,
      last_seen_at: seenAt,
      expires_at: new Date(Math.min(expiresAt.getTime(), idleUntil.getTime())),
    }
  }
}

const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i

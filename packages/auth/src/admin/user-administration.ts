import { isRowId } from '@countersign/core'
import { type EntityManager, LockMode, type MikroORM } from '@mikro-orm/core'
import type { SqlEntityManager } from '@mikro-orm/postgresql'
import type { Mails } from '../mails/mails.js'
import type { Sessions } from '../sessions/sessions.js'
import { User } from '../store/entities.js'
import type { OneTimeTokens } from '../store/one-time-tokens.js'
import { AuthRefusal } from '../web/auth-refusal.js'
import { unknownUser } from './user-directory.js'

/** What {@link UserAdministration} works with. */
export interface UserAdministrationParts {
  readonly orm: MikroORM
  readonly sessions: Pick<Sessions, 'outdate'>
  readonly tokens: Pick<OneTimeTokens, 'issue' | 'lifetimeOf' | 'revokeAll'>
  readonly mails: Mails
}

/**
 * What administrators do to accounts of others. None of it shows a secret, and none of it sets one:
 * who owns the account chooses the password. Knows no HTTP.
 */
export class UserAdministration {
  readonly #parts: UserAdministrationParts

  constructor(parts: UserAdministrationParts) {
    this.#parts = parts
  }

  /**
   * Lets nobody in any more: sessions, access tokens and every mailed link end at once. The last
   * administrator who may log in stays one.
   */
  async disable(id: string): Promise<User> {
    return this.#change(id, async (em, user) => {
      if (user.disabledAt) return
      if (user.isAdmin) await assertAnotherAdmin(em, user)
      user.disabledAt = new Date()
      await this.#endEverything(em, user)
    })
  }

  /** Lets the owner log in again; what ended stays ended. */
  async enable(id: string): Promise<User> {
    return this.#change(id, async (_em, user) => {
      user.disabledAt = null
    })
  }

  /** Ends every session and every access token. */
  async logOut(id: string): Promise<User> {
    return this.#change(id, async (em, user) => {
      await this.#parts.sessions.outdate(em, user)
    })
  }

  /** Mails the owner a link by which to choose another password, and ends every session. */
  async requestPasswordReset(id: string): Promise<User> {
    const { tokens, mails } = this.#parts
    return this.#change(id, async (em, user) => {
      if (user.disabledAt) throw new AuthRefusal(409, 'disabled', { detail: 'This account is disabled.' })
      if (!user.verifiedAt)
        throw new AuthRefusal(409, 'unverified', { detail: 'The address of this account was not verified.' })
      await this.#endEverything(em, user)
      const token = await tokens.issue(em, 'password-reset', user.id)
      mails.post(em, user.email, mails.passwordResetByAdmin(token, tokens.lifetimeOf('password-reset')))
    })
  }

  async #endEverything(em: EntityManager, user: User): Promise<void> {
    await this.#parts.sessions.outdate(em, user)
    await this.#parts.tokens.revokeAll(em, user.id)
  }

  async #change(id: string, change: (em: EntityManager, user: User) => Promise<void>): Promise<User> {
    if (!isRowId(id)) throw unknownUser()
    return this.#parts.orm.em.fork().transactional(async (em) => {
      await lockAdmins(em, id)
      const user = await em.findOne(User, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE })
      if (!user) throw unknownUser()
      await change(em, user)
      return user
    })
  }
}

/**
 * Where an administrator is concerned, all of them in one order: two who disable each other at the
 * same time must not both find that there is another one.
 */
async function lockAdmins(em: EntityManager, id: string): Promise<void> {
  await (em as SqlEntityManager).execute(
    `select id from auth_user
     where is_admin and exists (select from auth_user as concerned where concerned.id = ? and concerned.is_admin)
     order by id for update`,
    [id],
  )
}

async function assertAnotherAdmin(em: EntityManager, { id }: User): Promise<void> {
  const others = await em.count(User, { id: { $ne: id }, isAdmin: true, disabledAt: null })
  if (others > 0) return
  throw new AuthRefusal(409, 'last_admin', { detail: 'This is the last administrator: make another one first.' })
}

import { isRowId } from '@countersign/core'
import type { FilterQuery, MikroORM } from '@mikro-orm/core'
import { User } from '../store/entities.js'
import { AuthRefusal } from '../web/auth-refusal.js'
import type { ListPart } from '../web/page-query.js'

/** Which accounts are looked for; what is not given makes no difference. */
export interface UserFilters {
  /** What the e-mail address or the user name begins with. */
  readonly search?: string | undefined
  readonly disabled?: boolean | undefined
  readonly verified?: boolean | undefined
  readonly admin?: boolean | undefined
}

/** Accounts, as administrators look for them. Knows no HTTP. */
export class UserDirectory {
  readonly #orm: MikroORM

  constructor(orm: MikroORM) {
    this.#orm = orm
  }

  /** Newest first. */
  async find({ search, disabled, verified, admin }: UserFilters, { limit, before }: ListPart): Promise<User[]> {
    const conditions: Array<FilterQuery<User> | false> = [
      search !== undefined && named(search),
      disabled !== undefined && { disabledAt: disabled ? { $ne: null } : null },
      verified !== undefined && { verifiedAt: verified ? { $ne: null } : null },
      admin !== undefined && { isAdmin: admin },
      before !== undefined && { id: { $lt: before } },
    ]
    const $and = conditions.filter((condition) => condition !== false)
    return this.#orm.em.fork().find(User, { $and }, { orderBy: { id: 'desc' }, limit })
  }

  async get(id: string): Promise<User> {
    const user = isRowId(id) ? await this.#orm.em.fork().findOne(User, { id }) : null
    if (!user) throw unknownUser()
    return user
  }
}

/** The one answer to an id that nobody has, and to what is no id. */
export function unknownUser(): AuthRefusal {
  return new AuthRefusal(404, 'not_found', { detail: 'There is no account of that id.' })
}

function named(search: string): FilterQuery<User> {
  const $like = beginningWith(search.trim().toLowerCase())
  return { $or: [{ emailCanonical: { $like } }, { usernameCanonical: { $like } }] }
}

function beginningWith(text: string): string {
  return `${text.replace(/[\\%_]/g, '\\$&')}%`
}

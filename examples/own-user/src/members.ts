import type { MikroORM } from '@mikro-orm/core'
import { Member } from './member.js'

/** What this application knows of its members. */
export class Members {
  readonly #orm: MikroORM

  constructor(orm: MikroORM) {
    this.#orm = orm
  }

  /** Names who just signed up; nobody else, because anybody may sign up with anybody's address. */
  async name(email: string, nickname: string): Promise<void> {
    const unnamed = { emailCanonical: email.trim().toLowerCase(), nickname: null, verifiedAt: null }
    await this.#orm.em.fork().nativeUpdate(Member, unnamed, { nickname })
  }

  async all(): Promise<Member[]> {
    return this.#orm.em.fork().find(Member, {}, { orderBy: { email: 'asc' } })
  }
}

import { randomInt } from 'node:crypto'
import type { KeyedHash, Secrets } from '@countersign/core/keys'
import type { EntityManager } from '@mikro-orm/core'
import type { SqlEntityManager } from '@mikro-orm/postgresql'
import { BackupCode } from './two-factor-entities.js'

// Crockford's base32: no letter that is taken for a digit, and no U. Ten characters are 50 bits.
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const length = 10
const form = new RegExp(`^[0-9A-Za-z]{${length}}$`)

/** Codes for who has lost the authenticator: shown once, kept as keyed hashes of the account, used once each. */
export class BackupCodes {
  readonly #keyed: KeyedHash
  readonly #count: number

  constructor(secrets: Secrets, count: number) {
    this.#keyed = secrets.keyedHash('backup-code')
    this.#count = count
  }

  /** New codes in place of all before, in the transaction of `em`; the only time that they are to be had. */
  async replace(em: EntityManager, userId: string): Promise<string[]> {
    const codes = new Set<string>()
    while (codes.size < this.#count) codes.add(randomCode())
    const createdAt = new Date()
    await this.wipe(em, userId)
    const rows = [...codes].map((code) => ({ codeHash: this.#hash(userId, code), userId, createdAt, usedAt: null }))
    await em.insertMany(BackupCode, rows)
    return [...codes].map((code) => `${code.slice(0, 5)}-${code.slice(5)}`)
  }

  /** Uses a code, in whatever case and grouping it was typed; tells how many are left. Null for one that is worth nothing. */
  async use(em: EntityManager, userId: string, typed: string): Promise<number | null> {
    const code = normalCode(typed)
    if (code === null) return null
    const [used] = await (em as SqlEntityManager).execute<Array<{ remaining: number }>>(
      `with used as (
         update auth_backup_code set used_at = now() where code_hash = ? and user_id = ? and used_at is null
         returning code_hash
       )
       select count(*)::int as remaining from auth_backup_code
       where user_id = ? and used_at is null and code_hash not in (select code_hash from used)
       having exists (select from used)`,
      [this.#hash(userId, code), userId, userId],
    )
    return used?.remaining ?? null
  }

  async remaining(em: EntityManager, userId: string): Promise<number> {
    return em.count(BackupCode, { userId, usedAt: null })
  }

  async wipe(em: EntityManager, userId: string): Promise<void> {
    await em.nativeDelete(BackupCode, { userId })
  }

  #hash(userId: string, code: string): string {
    return this.#keyed(`${userId}\n${code}`)
  }
}

function randomCode(): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('')
}

/** As it is kept: O is 0, I and L are 1, as Crockford reads them. */
function normalCode(typed: string): string | null {
  const bare = typed.replace(/[ -]/g, '')
  return form.test(bare) ? bare.toUpperCase().replace(/O/g, '0').replace(/[IL]/g, '1') : null
}

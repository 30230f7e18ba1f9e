import type { SqlClient } from '@countersign/adapters/mikro-orm'
import type { User } from '../store/entities.js'
import { canonicalEmail } from './email-address.js'
import { canonicalUserName } from './user-name.js'

/** An account as a login finds it: what the login asks of it next comes along. */
export type FoundAccount = User & { readonly hasSecondFactor: boolean }

// MikroORM's connections give moments as texts, in the format of their session.
const momentOf = (column: string): string => `(extract(epoch from ${column}) * 1000)::float8`

const found = `select id, email, email_canonical as "emailCanonical", username, username_canonical as "usernameCanonical",
    password_hash as "passwordHash", is_admin as "isAdmin", token_version as "tokenVersion",
    ${momentOf('created_at')} as "createdAt", ${momentOf('verified_at')} as "verifiedAt",
    ${momentOf('disabled_at')} as "disabledAt", ${momentOf('last_login_at')} as "lastLoginAt",
    exists (select from auth_second_factor where user_id = account.id and enabled_at is not null) as "hasSecondFactor"
  from auth_user as account`

const moments = ['createdAt', 'verifiedAt', 'disabledAt', 'lastLoginAt'] as const

type Selected = Omit<FoundAccount, (typeof moments)[number]> & Record<(typeof moments)[number], number | null>

/** Finds the account that somebody logs in to, by one statement that is parsed and planned once. */
export class AccountLookup {
  readonly #statements: SqlClient
  readonly #usernames: boolean

  constructor(statements: SqlClient, usernames: boolean) {
    this.#statements = statements
    this.#usernames = usernames
  }

  /** By address or, where there are such, by user name: an @ tells them apart. */
  async find(typed: string): Promise<FoundAccount | null> {
    const email = canonicalEmail(typed)
    if (email) return this.#one('email', email)
    const username = this.#usernames ? canonicalUserName(typed) : null
    return username ? this.#one('username', username) : null
  }

  async #one(by: 'email' | 'username', canonical: string): Promise<FoundAccount | null> {
    const statement = `${found} where ${by}_canonical = $1`
    const [row] = await this.#statements.query<Selected>(statement, [canonical], `countersign-login-by-${by}`)
    return row ? withDates(row) : null
  }
}

function withDates(row: Selected): FoundAccount {
  const dates = moments.map((name) => [name, row[name] === null ? null : new Date(row[name])])
  return { ...row, ...Object.fromEntries(dates) }
}

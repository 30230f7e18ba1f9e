import type { AuthSettings } from '@countersign/auth'
import type { AuditRow } from '@countersign/core'
import { type Answer, AuthClient } from './auth-client.js'
import { type Make, ownSystem, rowsOf, type TestSystem } from './auth-systems.js'

export const password = 'correct horse battery staple'

/** What the journeys of passwords do and look at, on one system. */
export class PasswordJourneys {
  readonly #system: () => TestSystem

  constructor(system: () => TestSystem) {
    this.#system = system
  }

  get system(): TestSystem {
    return this.#system()
  }

  client(): AuthClient {
    return new AuthClient(this.system.url)
  }

  async account(email: string): Promise<{ id: string; email: string }> {
    await this.client().signUpAndVerify(email, password)
    const [user] = await this.sql<{ id: string }>('select id from auth_user where email_canonical = ?', [email])
    return { id: user?.id ?? '', email }
  }

  /** A client that is logged in. */
  async session(email: string, typed = password, remember_me = false): Promise<AuthClient> {
    const client = this.client()
    const answer = await client.post('/api/auth/login', { email, password: typed, remember_me })
    if (answer.status !== 200) throw new Error(`login answered ${answer.status}`)
    return client
  }

  async login(email: string, typed: string): Promise<number> {
    return (await this.client().post('/api/auth/login', { email, password: typed })).status
  }

  async resetToken(email: string): Promise<string> {
    await this.client().post('/api/auth/password-reset', { email })
    return this.client().mailedToken(email)
  }

  confirm(token: string, typed: string, again = typed): Promise<Answer> {
    return this.client().post('/api/auth/password-reset-confirm', { token, password: typed, confirm_password: again })
  }

  change(client: AuthClient, current_password: string, typed: string, again = typed): Promise<Answer> {
    const body = { current_password, password: typed, confirm_password: again }
    return client.post('/api/auth/change-password', body)
  }

  /** Whether its access token is still taken. */
  async isIn(client: AuthClient): Promise<boolean> {
    return (await client.get('/api/auth/login-history')).status === 200
  }

  async mails(): Promise<Array<{ to: string; subject: string; text: string }>> {
    return (await this.client().get('/dev/mailbox.json')).json
  }

  sql<Row>(statement: string, parameters: unknown[] = []): Promise<Row[]> {
    return this.system.auth.database.orm.em.getDriver().getConnection().execute<Row[]>(statement, parameters)
  }

  /** The rows that something leaves. */
  rowsOf(run: () => Promise<unknown>): Promise<AuditRow[]> {
    return rowsOf(this.system, run)
  }
}

/** The journeys of the tests of one suite, on a system of its own. */
export function passwordJourneys(make: Make, settings?: Partial<AuthSettings>): PasswordJourneys {
  return new PasswordJourneys(ownSystem(make, settings))
}

/** An answer without what differs in every one. */
export const plain = ({ status, text }: Answer): string => `${status} ${text.replace(/"request_id":"[^"]*"/, '')}`

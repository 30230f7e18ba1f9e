import type { AuthSettings } from '@countersign/auth'
import type { Answer, AuthClient } from './auth-client.js'
import { type Make, ownSystem, type TestSystem } from './auth-systems.js'
import { codeOfStep, stepAt } from './authenticator.js'
import { PasswordJourneys, password } from './password-journeys.js'

/** An account that has a second factor, and the session that it was switched on in. */
export interface TwoFactorAccount {
  readonly id: string
  readonly email: string
  readonly secret: string
  readonly codes: string[]
  readonly client: AuthClient
}

/** What the journeys of second factors do and look at, on one system. */
export class TwoFactorJourneys extends PasswordJourneys {
  async secured(email: string): Promise<TwoFactorAccount> {
    const { id } = await this.account(email)
    const client = await this.session(email)
    const { secret } = (await client.post('/api/auth/2fa/setup', { password })).json
    const enabled = await client.post('/api/auth/2fa/enable', { code: codeOfStep(secret, stepAt()) })
    if (enabled.status !== 200) throw new Error(`2fa/enable answered ${enabled.status}: ${enabled.text}`)
    await this.forget(id)
    return { id, email, secret, codes: enabled.json.backup_codes, client }
  }

  /** Lets codes of these minutes count again, where a test is not about that. */
  async forget(id: string): Promise<void> {
    await this.sql('update auth_second_factor set last_step = null where user_id = ?', [id])
  }

  /** A code that the authenticator shows, so many steps from now. */
  code(secret: string, steps = 0): string {
    return codeOfStep(secret, stepAt() + steps)
  }

  /** A login whose password was right: the browser, and its token. */
  async pending(email: string, remember_me = false): Promise<{ client: AuthClient; token: string }> {
    const client = this.client()
    const { status, json } = await client.post('/api/auth/login', { email, password, remember_me })
    if (status !== 200 || json.requires_2fa !== true) throw new Error(`login answered ${status}`)
    return { client, token: json.session_token }
  }

  verify({ client, token }: { client: AuthClient; token: string }, code: unknown): Promise<Answer> {
    return client.post('/api/auth/2fa/verify-login', { session_token: token, code })
  }

  /** Logs in with a code. */
  async verified(email: string, code: string | undefined): Promise<Answer> {
    return this.verify(await this.pending(email), code)
  }
}

/** The journeys of the tests of one suite, on a system of its own. */
export function twoFactorJourneys(make: Make, settings?: Partial<AuthSettings>): TwoFactorJourneys {
  const system: () => TestSystem = ownSystem(make, settings)
  return new TwoFactorJourneys(system)
}

/** Status and code of an answer. */
export const told = ({ status, json }: Answer): string => `${status} ${json?.code ?? 'ok'}`

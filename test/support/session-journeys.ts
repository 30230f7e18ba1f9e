import type { AuthSettings } from '@countersign/auth'
import type { Answer, AuthClient } from './auth-client.js'
import { type Make, ownSystem } from './auth-systems.js'
import { PasswordJourneys, password } from './password-journeys.js'

/** The two tokens of a client without cookies. */
export interface BearerTokens {
  readonly access: string
  readonly refresh: string
}

/** What the journeys of sessions do and look at, on one system. */
export class SessionJourneys extends PasswordJourneys {
  /** Tokens of a new session, in the answer. */
  async tokens(email: string, remember_me = false): Promise<BearerTokens> {
    const answer = await this.client().post('/api/auth/token', { email, password, remember_me })
    if (answer.status !== 200) throw new Error(`token answered ${answer.status}`)
    return answer.json
  }

  refresh(refresh: string): Promise<Answer> {
    return this.client().post('/api/auth/token/refresh', { refresh })
  }

  /** What a page or program with this access token gets. */
  async status(access: string): Promise<number> {
    return (await this.get('/api/auth/csrf', access)).status
  }

  get(path: string, access: string): Promise<Answer> {
    return this.client().get(path, bearer(access))
  }

  delete(path: string, access: string): Promise<Answer> {
    return this.client().request(path, { method: 'DELETE', headers: bearer(access) })
  }

  /** A client that sends its cookies, and nothing that says from where. */
  silent(client: AuthClient): Record<string, string> {
    return {
      cookie: [...client.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      'sec-fetch-site': 'none',
    }
  }
}

export const bearer = (access: string): Record<string, string> => ({ authorization: `Bearer ${access}` })

/** What an access token says, unverified. */
export function claimsOf(access: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(access.split('.')[1] ?? '', 'base64url').toString())
}

/** The journeys of the tests of one suite, on a system of its own. */
export function sessionJourneys(make: Make, settings?: Partial<AuthSettings>): SessionJourneys {
  return new SessionJourneys(ownSystem(make, settings))
}

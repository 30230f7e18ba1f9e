import { type Answer, AuthClient } from './auth-client.js'
import { codeOfStep, stepAt } from './authenticator.js'
import type { Canaries } from './canaries.js'

/** An operation that was asked for: by which request, and which event its one row has; null for one without a row. */
export interface Operation {
  readonly requestId: string
  readonly event: string | null
  readonly path: string
}

/** Goes through the operations of a server, and remembers every secret on the way. */
export class CanaryRun {
  readonly operations: Operation[] = []
  readonly #url: string
  readonly #canaries: Canaries
  #addresses = 0

  constructor(url: string, canaries: Canaries) {
    this.#url = url
    this.#canaries = canaries
  }

  client(): AuthClient {
    return new AuthClient(this.#url)
  }

  /** One request, from an address of its own: this is not about limits. */
  async ask(client: AuthClient, event: string | null, [method, path, body]: Asked, status: number): Promise<Answer> {
    const number = ++this.#addresses
    const requestId = `canary-${number}`
    const headers: Record<string, string> = {
      'x-request-id': requestId,
      'x-forwarded-for': `10.${number >> 8}.${number & 255}.1`,
      'user-agent': 'canary/1.0',
    }
    if (body !== undefined) headers['content-type'] = 'application/json'
    const full = path.startsWith('/') ? path : `/api/auth/${path}`
    const answer = await client.request(full, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    if (answer.status !== status) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.text}`)
    this.operations.push({ requestId, event, path: `${method} ${path}` })
    this.#keepCookies(client)
    return answer
  }

  post(client: AuthClient, event: string | null, path: string, body: object, status = 200): Promise<Answer> {
    return this.ask(client, event, ['POST', path, body], status)
  }

  /** The token of the newest mail to an address. */
  async mailed(what: string, to: string): Promise<string> {
    return this.#canaries.add(what, await this.client().mailedToken(to))
  }

  secret(what: string, secret: string | undefined): string {
    return this.#canaries.add(what, secret)
  }

  code(secret: string, steps = 0): string {
    return this.#canaries.add('a code', codeOfStep(secret, stepAt() + steps))
  }

  #keepCookies({ cookies }: AuthClient): void {
    for (const [name, value] of cookies) this.#canaries.add(`the cookie ${name}`, value)
  }
}

type Asked = readonly [method: string, path: string, body?: object]

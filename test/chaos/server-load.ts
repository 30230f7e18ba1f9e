import { Agent, type IncomingMessage, request } from 'node:http'

/** What rows a response with this status promises: event and outcome of each. */
type Promises = { readonly [status: number]: readonly string[] }

/** What is asked of a server, and what it promises when it answers. */
export const routes: { readonly [path: string]: Promises } = {
  '/login/right': { 200: ['login success'] },
  '/login/wrong': { 401: ['login failure'] },
  '/export': { 200: ['data_export_request success'] },
  '/admin': { 200: ['admin_action success', 'consent_update success'] },
  '/challenge': { 200: ['two_factor_challenge success'], 429: ['two_factor_challenge denied'] },
  // 500 where the handler's own statement is what fails.
  '/profile/kept': {
    200: ['profile_update success'],
    500: ['profile_update failure'],
    503: ['profile_update failure'],
  },
  '/profile/taken': {
    409: ['profile_update failure'],
    500: ['profile_update failure'],
    503: ['profile_update failure'],
  },
}
export const paths: readonly string[] = Object.keys(routes)

/** A request that was sent, and the status of its response where that arrived to its last byte. */
export interface Attempt {
  readonly id: string
  readonly path: string
  readonly status: number | null
}

/** Sends requests over connections that are kept; each once, whatever becomes of it. */
export class Clients {
  readonly #agent: Agent

  constructor(connections: number) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections })
  }

  async attempt(url: string, path: string, id: string): Promise<Attempt> {
    return { id, path, status: await this.#statusOf(`${url}${path}`, id) }
  }

  close(): void {
    this.#agent.destroy()
  }

  #statusOf(url: string, id: string): Promise<number | null> {
    return new Promise((resolve) => {
      const options = { method: 'POST', agent: this.#agent, headers: { 'x-request-id': id } }
      const received = (response: IncomingMessage): void => {
        response.resume()
        response.on('end', () => resolve(response.complete ? (response.statusCode ?? null) : null))
        response.on('close', () => resolve(null))
      }
      request(url, options, received)
        .on('error', () => resolve(null))
        .end()
    })
  }
}

import type { IncomingMessage } from 'node:http'
import { parse } from 'cookie'
import type { CookieOptions, Response } from 'express'

/** How the cookies of a server are set. */
export interface CookieRules {
  /** Sent over HTTPS only. */
  readonly secure: boolean
  /** Tied to this host by its name (`__Host-`), where that is possible. */
  readonly prefixed: boolean
}

/** One cookie of this host, that scripts can't read. It is cleared with what it was set with. */
export class HostCookie {
  readonly name: string
  readonly #attributes: CookieOptions

  constructor(name: string, sameSite: 'lax' | 'strict' | 'none', { secure, prefixed }: CookieRules) {
    // Without HTTPS a browser would refuse the prefix.
    this.name = secure && prefixed ? `__Host-${name}` : name
    this.#attributes = { httpOnly: true, secure, sameSite, path: '/' }
  }

  /** @param seconds how long the browser keeps it; null for as long as it runs */
  set(response: Response, value: string, seconds: number | null): void {
    response.cookie(this.name, value, { ...this.#attributes, ...(seconds !== null && { maxAge: seconds * 1000 }) })
  }

  clear(response: Response): void {
    response.clearCookie(this.name, this.#attributes)
  }

  isIn(request: Pick<IncomingMessage, 'headers'>): boolean {
    return this.#pairs(request).length > 0
  }

  /** Its value; null where there is none, or more than one: somebody else's host may have put the other one there. */
  read(request: Pick<IncomingMessage, 'headers'>): string | null {
    const [pair, ...others] = this.#pairs(request)
    return pair !== undefined && others.length === 0 ? (parse(pair)[this.name] ?? null) : null
  }

  #pairs({ headers }: Pick<IncomingMessage, 'headers'>): string[] {
    return (headers.cookie ?? '').split(';').filter((pair) => nameOf(pair) === this.name)
  }
}

function nameOf(pair: string): string {
  const end = pair.indexOf('=')
  return end === -1 ? '' : pair.slice(0, end).trim()
}

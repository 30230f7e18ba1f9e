import { timingSafeEqual } from 'node:crypto'
import type { KeyedHash, Secrets } from '@countersign/core/keys'

/** What a client shows that its request was made on purpose, where no header of a browser says so. Bound to the session. */
export class CsrfTokens {
  readonly #keyed: KeyedHash

  constructor(secrets: Secrets) {
    this.#keyed = secrets.keyedHash('csrf-token')
  }

  of(sessionId: string): string {
    return this.#keyed(sessionId)
  }

  isOf(sessionId: string, token: unknown): boolean {
    if (typeof token !== 'string') return false
    const [given, expected] = [Buffer.from(token), Buffer.from(this.of(sessionId))]
    return given.length === expected.length && timingSafeEqual(given, expected)
  }
}

import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Secrets } from '@countersign/core/keys'

/** What a client shows that its request was made on purpose, where no header of a browser says so. Bound to the session. */
export class CsrfTokens {
  readonly #key: Uint8Array

  constructor(secrets: Secrets) {
    this.#key = secrets.key('csrf-token')
  }

  of(sessionId: string): string {
    return createHmac('sha256', this.#key).update(sessionId).digest('base64url')
  }

  isOf(sessionId: string, token: unknown): boolean {
    if (typeof token !== 'string') return false
    const [given, expected] = [Buffer.from(token), Buffer.from(this.of(sessionId))]
    return given.length === expected.length && timingSafeEqual(given, expected)
  }
}

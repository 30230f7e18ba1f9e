import type { VerifiedClaims } from './access-tokens.js'

// About 5 MB; who comes when it is full takes the place of the one who came first.
const most = 5000

/**
 * Tokens whose signature was found to be right, by the whole token: a signature costs more than all
 * else about a request. Whether session, account and key are still good is asked each time.
 */
export class VerifiedTokens {
  readonly #claims = new Map<string, VerifiedClaims>()

  get(token: string): VerifiedClaims | null {
    const claims = this.#claims.get(token)
    if (!claims) return null
    if (claims.expiresAt * 1000 > Date.now()) return claims
    this.#claims.delete(token)
    return null
  }

  keep(token: string, claims: VerifiedClaims): void {
    if (this.#claims.size >= most) {
      for (const eldest of this.#claims.keys()) {
        this.#claims.delete(eldest)
        break
      }
    }
    this.#claims.set(token, claims)
  }
}

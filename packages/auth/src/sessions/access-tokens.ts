import { isRowId, rowId } from '@countersign/core'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import { compactJws } from './compact-jws.js'
import type { SigningKey, SigningKeys } from './signing-keys.js'
import { VerifiedTokens } from './verified-tokens.js'

/** What an access token says: identifiers only, nothing personal. */
export interface AccessClaims {
  readonly userId: string
  readonly sessionId: string
  readonly tokenVersion: number
}

/** Claims that were verified, and the key that signed them. */
export interface VerifiedClaims extends AccessClaims {
  readonly kid: string
  /** Seconds since 1970. */
  readonly expiresAt: number
}

/** What a token is issued for. */
export interface TokenSubject extends AccessClaims {
  /** When somebody last proved to be the account's owner, in seconds since 1970. */
  readonly authTime: number
  /** How, in the words of RFC 8176. */
  readonly amr: readonly string[]
  /** The key that signs now, where it is known. */
  readonly kid?: string | null
}

/** What {@link AccessTokens} works with. */
export interface AccessTokensOptions {
  readonly keys: SigningKeys
  readonly issuer: string
  readonly audience: string
  readonly seconds: number
}

const type = 'at+jwt'
// A token is a few hundred characters; nobody gets kilobytes verified.
const maxLength = 2048
// Seconds that the clocks of two machines may differ.
const clockTolerance = 5
const greatestInteger = 2_147_483_647

/** Signs and verifies access tokens (RFC 9068); every claim is demanded and checked. */
export class AccessTokens {
  readonly #options: AccessTokensOptions
  readonly #verified = new VerifiedTokens()

  constructor(options: AccessTokensOptions) {
    this.#options = options
  }

  /** Seconds that a token lives. */
  get seconds(): number {
    return this.#options.seconds
  }

  async issue({ userId, sessionId, tokenVersion, authTime, amr, kid: known }: TokenSubject): Promise<string> {
    const { keys, issuer, audience, seconds } = this.#options
    const { kid, algorithm, signing } = await keys.current(known)
    const now = Math.floor(Date.now() / 1000)
    const claims = {
      ...{ iss: issuer, aud: audience, sub: userId, sid: sessionId, jti: rowId(), iat: now, exp: now + seconds },
      ...{ tv: tokenVersion, auth_time: authTime, amr },
    }
    return compactJws({ alg: algorithm, typ: type, kid }, JSON.stringify(claims), signing)
  }

  /** What a token says; null for one that is not ours, not for us, not of this type, or too old. */
  async verify(token: string): Promise<VerifiedClaims | null> {
    if (token.length > maxLength) return null
    const known = this.#verified.get(token)
    if (known) return known
    const key = await this.#options.keys.find(kidOf(token))
    const claims = key && (await this.#verify(token, key).catch(() => null))
    if (claims) this.#verified.keep(token, claims)
    return claims
  }

  async #verify(token: string, { kid, algorithm, verifying }: SigningKey): Promise<VerifiedClaims | null> {
    const { issuer, audience, seconds } = this.#options
    const { payload } = await jwtVerify(token, verifying, {
      // The key decides, never the token: one for signatures is no secret to compute a code with.
      algorithms: [algorithm],
      typ: type,
      issuer,
      audience,
      maxTokenAge: seconds,
      clockTolerance,
      requiredClaims: ['sub', 'sid', 'tv', 'jti', 'iat', 'exp'],
    })
    const { sub, sid, tv, aud, exp = 0 } = payload
    const isOurs = isRowId(sub) && isRowId(sid) && isVersion(tv) && aud === audience
    return isOurs ? { userId: sub, sessionId: sid, tokenVersion: tv, kid, expiresAt: exp } : null
  }
}

function kidOf(token: string): unknown {
  try {
    return decodeProtectedHeader(token).kid
  } catch {
    return undefined
  }
}

function isVersion(version: unknown): version is number {
  return Number.isInteger(version) && (version as number) >= 0 && (version as number) <= greatestInteger
}

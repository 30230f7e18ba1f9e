import { isRowId, rowId } from '@countersign/core'
import type { Secrets } from '@countersign/core/keys'
import { jwtVerify, SignJWT } from 'jose'
import type { OpenedSession } from './sessions.js'

/** What an access token says: identifiers only, nothing personal. */
export interface AccessClaims {
  readonly userId: string
  readonly sessionId: string
  readonly tokenVersion: number
}

const algorithm = 'HS256'
const type = 'at+jwt'
const audience = 'countersign-api'

/** Signs and verifies access tokens (RFC 9068); every claim is demanded and checked. */
export class AccessTokens {
  readonly #key: Uint8Array
  readonly #issuer: string
  readonly #seconds: number

  constructor(secrets: Secrets, options: { readonly issuer: string; readonly seconds: number }) {
    this.#key = secrets.key('access-token')
    this.#issuer = options.issuer
    this.#seconds = options.seconds
  }

  async issue({ userId, sessionId, tokenVersion }: AccessClaims): Promise<OpenedSession> {
    const accessToken = await new SignJWT({ sid: sessionId, tv: tokenVersion })
      .setProtectedHeader({ alg: algorithm, typ: type })
      .setIssuer(this.#issuer)
      .setAudience(audience)
      .setSubject(userId)
      .setJti(rowId())
      .setIssuedAt()
      .setExpirationTime(`${this.#seconds}s`)
      .sign(this.#key)
    return { accessToken, expiresIn: this.#seconds }
  }

  async verify(token: string): Promise<AccessClaims | null> {
    // A token is a few hundred characters; nobody gets kilobytes verified.
    if (token.length > 2048) return null
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: [algorithm],
        typ: type,
        issuer: this.#issuer,
        audience,
        maxTokenAge: this.#seconds,
        requiredClaims: ['sub', 'sid', 'tv', 'jti', 'iat', 'exp'],
      })
      const { sub, sid, tv } = payload
      return isRowId(sub) && isRowId(sid) && Number.isInteger(tv)
        ? { userId: sub, sessionId: sid, tokenVersion: tv as number }
        : null
    } catch {
      return null
    }
  }
}

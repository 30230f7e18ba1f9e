import { AuditError } from '@countersign/core'
import { generateSecret, generateURI, verifySync } from 'otplib'

const stepSeconds = 30
const code = /^\d{6}$/

/**
 * Time-based one-time passwords (RFC 6238) as every authenticator app makes them: SHA-1, six digits,
 * a step of thirty seconds. A code counts in its own step, the one before and the one after.
 */
export class Totp {
  readonly #issuer: string

  /** @throws AuditError `SETTING_INVALID` for an issuer that is empty or has a colon, which apps take for its end */
  constructor(issuer: string) {
    if (issuer.trim() === '' || issuer.includes(':')) {
      throw new AuditError(
        'SETTING_INVALID',
        "twoFactor.issuer must be a name without a colon, for example 'Example Inc.'.",
      )
    }
    this.#issuer = issuer
  }

  /** 160 random bits in base32. */
  newSecret(): string {
    return generateSecret({ length: 20 })
  }

  /** What an authenticator app scans. */
  uri(secret: string, email: string): string {
    return generateURI({ issuer: this.#issuer, label: email, secret })
  }

  /** The time step that a code is of; null for one that does not count now, and for what is no code. */
  stepOf(secret: string, typed: string, now: number = Date.now()): number | null {
    if (!code.test(typed)) return null
    const epoch = Math.floor(now / 1000)
    const result = verifySync({ secret, token: typed, epoch, period: stepSeconds, epochTolerance: stepSeconds })
    return result.valid && 'timeStep' in result ? result.timeStep : null
  }
}

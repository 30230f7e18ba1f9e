import { AuthRefusal } from '../web/auth-refusal.js'
import { argon2idHasher, type PasswordHasher } from './password-hasher.js'

/** What a password must be like, by NIST SP 800-63B: long enough, not too long, nothing else. */
export interface PasswordPolicy {
  readonly minLength: number
  readonly maxLength: number
}

/** 15 to 256 characters: no second factor is asked for yet. */
export const defaultPasswordPolicy: PasswordPolicy = { minLength: 15, maxLength: 256 }

/** Why a password is refused. */
export type PasswordFault = 'password_too_short' | 'password_too_long'

/** What a fault is, for people. */
export const explainFault: Readonly<Record<PasswordFault, string>> = {
  password_too_short: 'This password is too short. A sentence of several words is easy to remember.',
  password_too_long: 'This password is too long.',
}

/** Hashes and checks passwords: their NFC form, never truncated. */
export class Passwords {
  readonly #policy: PasswordPolicy
  readonly #hasher: PasswordHasher
  readonly #dummy: Promise<string>

  constructor(policy: PasswordPolicy = defaultPasswordPolicy, hasher: PasswordHasher = argon2idHasher()) {
    this.#policy = policy
    this.#hasher = hasher
    this.#dummy = hasher.hash('the hash that nobody has the password of')
  }

  /** Length in code points, so that an emoji counts once. */
  faultOf(password: string): PasswordFault | null {
    const length = [...password.normalize('NFC')].length
    if (length < this.#policy.minLength) return 'password_too_short'
    return length > this.#policy.maxLength ? 'password_too_long' : null
  }

  /** Refuses a password that nobody may choose. */
  assertAcceptable(password: string): void {
    const fault = this.faultOf(password)
    if (fault) throw new AuthRefusal(400, fault, { detail: explainFault[fault] })
  }

  /** Whether two typed passwords have the same hash, in whatever Unicode form they are. */
  areSame(one: string, other: string): boolean {
    return one.normalize('NFC') === other.normalize('NFC')
  }

  async hash(password: string): Promise<string> {
    return this.#hasher.hash(password.normalize('NFC'))
  }

  /** As slow for an account that does not exist, or has no password, as for one that has. */
  async matches(passwordHash: string | null | undefined, password: string): Promise<boolean> {
    const normal = password.normalize('NFC')
    const candidate = [...normal].length > this.#policy.maxLength ? '' : normal
    const right = await this.#hasher.verify(passwordHash ?? (await this.#dummy), candidate)
    return right && passwordHash !== null && passwordHash !== undefined && candidate !== ''
  }
}

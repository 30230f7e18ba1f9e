import { availableParallelism } from 'node:os'
import { withDefaults } from '../settings/with-defaults.js'
import { AuthRefusal } from '../web/auth-refusal.js'
import type { BreachCheck } from './breach-check.js'
import { isGuessable, type PasswordOwner, siteWords } from './guessable.js'
import { argon2idHasher, type PasswordHasher } from './password-hasher.js'
import { isCommon } from './tried-first.js'
import { Turns } from './turns.js'

/**
 * What a password must be like, by NIST SP 800-63B: long enough, not too long, none that is tried
 * first, and nothing else.
 */
export interface PasswordPolicy {
  /** In code points: 15, or 8 where a second factor is asked for everywhere. */
  readonly minLength: number
  readonly maxLength: number
  /** Names of the site that no password may consist of, besides its host. */
  readonly siteNames: readonly string[]
}

/** 15 to 256 characters: no second factor is asked for everywhere. */
export const defaultPasswordPolicy: PasswordPolicy = { minLength: 15, maxLength: 256, siteNames: [] }

/** Why a password is refused. */
export type PasswordFault =
  | 'password_too_short'
  | 'password_too_long'
  | 'password_common'
  | 'password_guessable'
  | 'password_breached'

/** What a fault is, for people. */
const explainFault: Readonly<Record<PasswordFault, string>> = {
  password_too_short: 'This password is too short. A sentence of several words is easy to remember.',
  password_too_long: 'This password is too long.',
  password_common:
    'This password is among those that are tried first. A sentence of several words is easy to remember.',
  password_guessable: 'This password is little more than your address or the name of this site.',
  password_breached:
    'This password is in a leak of another site, and so is tried first. Choose one that is nowhere else.',
}

/** How {@link Passwords} are chosen and hashed. */
export interface PasswordsOptions {
  readonly policy?: Partial<PasswordPolicy> | undefined
  readonly hasher?: PasswordHasher | undefined
  readonly publicUrl: string
  readonly breaches: Pick<BreachCheck, 'isBreached'>
}

/** Hashes and checks passwords: their NFC form, never truncated. */
export class Passwords {
  readonly #policy: PasswordPolicy
  readonly #siteWords: readonly string[]
  readonly #hasher: PasswordHasher
  readonly #breaches: Pick<BreachCheck, 'isBreached'>
  // More at once would make each of them slower, and take memory for all. Two more than there are processors: none of
  // them waits while hashes that are done are handed on.
  readonly #turns = new Turns(availableParallelism() + 2)
  readonly #dummy: Promise<string>

  constructor({ policy, hasher = argon2idHasher(), publicUrl, breaches }: PasswordsOptions) {
    this.#policy = withDefaults(defaultPasswordPolicy, policy)
    this.#siteWords = siteWords(publicUrl, this.#policy.siteNames)
    this.#hasher = hasher
    this.#breaches = breaches
    this.#dummy = hasher.hash('the hash that nobody has the password of')
  }

  /** Length in code points, so that an emoji counts once. Without an owner, what is known of one is not looked for. */
  #faultOf(password: string, owner?: PasswordOwner): PasswordFault | null {
    const length = [...password.normalize('NFC')].length
    if (length < this.#policy.minLength) return 'password_too_short'
    if (length > this.#policy.maxLength) return 'password_too_long'
    if (isCommon(password)) return 'password_common'
    return owner && isGuessable(password, owner, this.#siteWords) ? 'password_guessable' : null
  }

  /** Refuses a password that nobody may choose, or not this owner. */
  assertAcceptable(password: string, owner?: PasswordOwner): void {
    const fault = this.#faultOf(password, owner)
    if (fault) throw refusal(fault)
  }

  /** Whether two typed passwords have the same hash, in whatever Unicode form they are. */
  areSame(one: string, other: string): boolean {
    return one.normalize('NFC') === other.normalize('NFC')
  }

  /**
   * The hash of a password that is to come into force; refuses one that is in a leak. For one that is in force already
   * nobody is asked.
   */
  async hashChosen(password: string): Promise<string> {
    if (await this.#breaches.isBreached(password)) throw refusal('password_breached')
    return this.#hash(password)
  }

  async #hash(password: string): Promise<string> {
    return this.#turns.take(() => this.#hasher.hash(password.normalize('NFC')))
  }

  /** As slow for an account that does not exist, or has no password, as for one that has. */
  async matches(passwordHash: string | null | undefined, password: string): Promise<boolean> {
    const normal = password.normalize('NFC')
    const candidate = [...normal].length > this.#policy.maxLength ? '' : normal
    const against = passwordHash ?? (await this.#dummy)
    const right = await this.#turns.take(() => this.#hasher.verify(against, candidate))
    return right && passwordHash !== null && passwordHash !== undefined && candidate !== ''
  }

  /** Another hash of a password that was just found right, where the one it has is weaker than those made now. */
  async strengthened(passwordHash: string, password: string): Promise<string | null> {
    return this.#hasher.needsRehash(passwordHash) ? this.#hash(password) : null
  }
}

function refusal(fault: PasswordFault): AuthRefusal {
  return new AuthRefusal(400, fault, { detail: explainFault[fault] })
}

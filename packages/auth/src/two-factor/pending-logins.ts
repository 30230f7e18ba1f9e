import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { KeyedHash, Secrets } from '@countersign/core/keys'
import type { User } from '../store/entities.js'
import type { ShortLivedState } from '../store/short-lived-state.js'

/** What {@link PendingLogins} works with. */
export interface PendingLoginsParts {
  readonly secrets: Secrets
  readonly state: ShortLivedState
  /** Seconds that a login waits. */
  readonly seconds: number
  /** Codes that may be tried at it. */
  readonly attempts: number
}

/** How a login is to go on once it is complete. */
export interface LoginOptions {
  readonly remember: boolean
  /** Whether it was begun by a browser, which keeps cookies. Only that one can complete it then. */
  readonly browser: boolean
}

/** What whoever has to bring a code gets. */
export interface PendingLogin {
  readonly sessionToken: string
  /** For an HttpOnly cookie; null where no browser is to be recognised. */
  readonly browserToken: string | null
  /** Seconds until it is worth nothing. */
  readonly expiresIn: number
}

/** What brings a login back. */
export interface LoginTokens {
  readonly sessionToken: string
  readonly browserToken: string | null
}

/** A login that waits: of the account as it was when its password was right. */
export interface WaitingLogin extends LoginOptions {
  readonly userId: string
  readonly tokenVersion: number
}

interface Stored extends WaitingLogin {
  readonly browserHash: string | null
}

/**
 * Logins whose password was right, and that wait for their second factor. The token says nothing
 * about the account; it is kept as a keyed hash, with the hash of the browser that it was given to.
 */
export class PendingLogins {
  readonly #parts: PendingLoginsParts
  readonly #keyed: KeyedHash

  constructor(parts: PendingLoginsParts) {
    this.#parts = parts
    this.#keyed = parts.secrets.keyedHash('pending-login')
  }

  async open({ id, tokenVersion }: User, { remember, browser }: LoginOptions): Promise<PendingLogin> {
    const { state, seconds } = this.#parts
    const sessionToken = randomToken()
    const browserToken = browser ? randomToken() : null
    const browserHash = browserToken === null ? null : this.#hash('browser', browserToken)
    const stored: Stored = { userId: id, tokenVersion, remember, browser, browserHash }
    await state.put(this.#keyOf(sessionToken), JSON.stringify(stored), seconds)
    return { sessionToken, browserToken, expiresIn: seconds }
  }

  /** The login that waits, whoever asks; with whether it is the browser that it was begun in. */
  async find({ sessionToken, browserToken }: LoginTokens): Promise<{ login: WaitingLogin; isOwn: boolean } | null> {
    const text = await this.#parts.state.get(this.#keyOf(sessionToken))
    if (text === null) return null
    const { browserHash, ...login } = JSON.parse(text) as Stored
    return { login, isOwn: browserHash === null || this.#isHashOf(browserHash, browserToken) }
  }

  /** Counts a code before it is looked at; false when as many were tried as may be. */
  async claimAttempt({ sessionToken }: LoginTokens): Promise<boolean> {
    const { state, seconds, attempts } = this.#parts
    // Counted as long as the login can wait, from its first attempt on: so always longer than it does.
    return (await state.count(`${this.#keyOf(sessionToken)}:attempts`, seconds)) <= attempts
  }

  /** Uses the login up; false when somebody else did. */
  async take({ sessionToken }: LoginTokens): Promise<boolean> {
    return (await this.#parts.state.take(this.#keyOf(sessionToken))) !== null
  }

  #keyOf(sessionToken: string): string {
    return `pending-login:${this.#hash('session', sessionToken)}`
  }

  #isHashOf(hash: string, browserToken: string | null): boolean {
    const given = this.#hash('browser', browserToken ?? '')
    return timingSafeEqual(Buffer.from(hash), Buffer.from(given))
  }

  #hash(kind: 'session' | 'browser', token: string): string {
    return this.#keyed(`${kind}\n${token}`)
  }
}

function randomToken(): string {
  return randomBytes(32).toString('base64url')
}

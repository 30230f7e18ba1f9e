/** Knows the passwords that are in leaks of other sites. */
export interface BreachedPasswords {
  /**
   * Rejects where it can't be known: `breachedPasswords.onFailure` says what happens then, and when no answer comes in
   * `breachedPasswords.timeout`.
   */
  includes(password: string): Promise<boolean>
}

/** Whom to ask for passwords that are in leaks. */
export interface BreachedPasswordsSettings {
  /** Where the ranges are, up to the slash before the prefix (`https://api.pwnedpasswords.com/range/`). */
  readonly url?: string
  /** Seconds until it counts as away (2): whoever chooses a password waits for it. */
  readonly timeout?: number
  /** What becomes of a password while it is away (`accept`). */
  readonly onFailure?: 'accept' | 'refuse'
}

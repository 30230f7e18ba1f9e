/** What can be set about second factors; each has a default. */
export interface TwoFactorSettings {
  /** What authenticator apps call this system; without a colon (`Countersign`). */
  readonly issuer?: string
  /** How many backup codes an account has (10). */
  readonly backupCodes?: number
  /** Seconds that a login waits for its code (300). */
  readonly pendingLogin?: number
  /** How many codes may be tried at one such login (5). */
  readonly attempts?: number
  /**
   * How many wrong codes an account may have within so many seconds, before no code of it is taken for as long
   * (10 in 900); and how many in a row, however slowly, before only an administrator helps (100).
   */
  readonly failures?: { readonly most: number; readonly seconds: number; readonly inARow: number }
  /** Seconds after a login in which a second factor can be set up without the password (300). */
  readonly recentLogin?: number
}

/** What holds where nothing else was set. */
export const usualTwoFactor: Required<TwoFactorSettings> = {
  issuer: 'Countersign',
  backupCodes: 10,
  pendingLogin: 300,
  attempts: 5,
  failures: { most: 10, seconds: 900, inARow: 100 },
  recentLogin: 300,
}

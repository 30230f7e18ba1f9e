/** How many wrong codes an account may have. */
export interface CodeFailures {
  /** Within so many {@link seconds} (10). */
  readonly most: number
  /** That long they count, and for as long no code is taken once there are too many (900). */
  readonly seconds: number
  /** In a row, however slowly, before only an administrator helps (100). */
  readonly inARow: number
}

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
  readonly failures?: Partial<CodeFailures>
  /** Seconds after a login in which a second factor can be set up without the password (300; 0: never). */
  readonly recentLogin?: number
}

/** Settings of which each has a value. */
interface WholeTwoFactorSettings extends Required<TwoFactorSettings> {
  readonly failures: CodeFailures
}

/** What was set, and the defaults of what was not. */
export function wholeTwoFactorSettings(set: TwoFactorSettings = {}): WholeTwoFactorSettings {
  const { issuer = 'Countersign', backupCodes = 10, pendingLogin = 300, attempts = 5, recentLogin = 300 } = set
  const { most = 10, seconds = 900, inARow = 100 } = set.failures ?? {}
  return { issuer, backupCodes, pendingLogin, attempts, recentLogin, failures: { most, seconds, inARow } }
}

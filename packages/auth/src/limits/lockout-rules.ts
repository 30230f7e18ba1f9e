/** How many failures within how many seconds lock for how many seconds. */
export interface LockoutRule {
  readonly failures: number
  /** Seconds, counted from the first failure. */
  readonly window: number
  /** Seconds that the lock lasts. */
  readonly duration: number
}

/** What differs from {@link defaultLockouts}; null switches one off. */
export interface LockoutSettings {
  /** Of a submitted identifier, whether or not it has an account; a known device has the same for itself. */
  readonly account?: Partial<LockoutRule> | null
  /** Of a client's address, over all identifiers. A success forgives nothing here. */
  readonly address?: Partial<LockoutRule> | null
}

const quarterOfAnHour = 900

/** Five failures within a quarter of an hour lock an identifier as long, a hundred lock an address. */
export const defaultLockouts: { readonly account: LockoutRule; readonly address: LockoutRule } = {
  account: { failures: 5, window: quarterOfAnHour, duration: quarterOfAnHour },
  address: { failures: 100, window: quarterOfAnHour, duration: quarterOfAnHour },
}

/** The rules in force. */
export interface LockoutRules {
  readonly account: LockoutRule | null
  readonly address: LockoutRule | null
}

export function lockoutRules({ account, address }: LockoutSettings = {}): LockoutRules {
  return {
    account: account === null ? null : { ...defaultLockouts.account, ...account },
    address: address === null ? null : { ...defaultLockouts.address, ...address },
  }
}

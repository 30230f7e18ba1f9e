import { withDefaults } from '../settings/with-defaults.js'

/** How many failures within how many seconds lock for how many seconds. */
export interface LockoutRule {
  readonly failures: number
  /** Seconds, counted from the first failure. */
  readonly window: number
  /** Seconds that the lock lasts. */
  readonly duration: number
}

/** The same, where the lock after a lock lasts longer: each twice as long as the one before. */
export interface GrowingLockoutRule extends LockoutRule {
  /** Seconds that a lock lasts at most, however many went before (four times {@link duration}). */
  readonly longest: number
}

/** What differs from {@link defaultLockouts}; null switches one off. */
export interface LockoutSettings {
  /** Of a submitted identifier, whether or not it has an account; a known device has the same for itself. */
  readonly account?: Partial<GrowingLockoutRule> | null
  /** Of a client's address, over all identifiers. A success forgives nothing here. */
  readonly address?: Partial<LockoutRule> | null
}

const quarterOfAnHour = 900

/**
 * Five failures within a quarter of an hour lock an identifier as long, then for half an hour, then for one; a hundred
 * lock an address.
 */
export const defaultLockouts: { readonly account: GrowingLockoutRule; readonly address: LockoutRule } = {
  account: { failures: 5, window: quarterOfAnHour, duration: quarterOfAnHour, longest: 4 * quarterOfAnHour },
  address: { failures: 100, window: quarterOfAnHour, duration: quarterOfAnHour },
}

/** The rules in force. */
export interface LockoutRules {
  readonly account: GrowingLockoutRule | null
  readonly address: LockoutRule | null
}

export function lockoutRules({ account, address }: LockoutSettings = {}): LockoutRules {
  return {
    account: account === null ? null : growing(account),
    address: address === null ? null : withDefaults(defaultLockouts.address, address),
  }
}

function growing(account: Partial<GrowingLockoutRule> = {}): GrowingLockoutRule {
  const { duration = defaultLockouts.account.duration } = account
  return withDefaults({ ...defaultLockouts.account, longest: 4 * duration }, account)
}

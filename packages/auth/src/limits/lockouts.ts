import { setTimeout as wait } from 'node:timers/promises'
import type { SqlClient } from '@countersign/adapters/mikro-orm'
import { limitKey } from '@countersign/adapters/rate-limiter-flexible'
import {
  type AuditTrail,
  canonicalIdentifier,
  currentAttempt,
  currentContext,
  currentFlow,
  Throttled,
} from '@countersign/core'
import type { KeyedHash, Secrets } from '@countersign/core/keys'
import type { MikroORM } from '@mikro-orm/core'
import type { Mails } from '../mails/mails.js'
import type { User } from '../store/entities.js'
import type { KnownDevice } from './known-devices.js'
import type { LockoutRules } from './lockout-rules.js'
import { type AccountCount, type AddressCount, type Lock, LockoutStore } from './lockout-store.js'

/** What {@link Lockouts} works with. */
export interface LockoutsParts {
  readonly orm: MikroORM
  readonly statements: SqlClient
  readonly secrets: Secrets
  readonly mails: Mails
  readonly trail: AuditTrail
  readonly rules: LockoutRules
}

/** At whose account a secret is tried, and from where. */
export interface SecretAttempt {
  /** The e-mail address that was typed, or the account's own. */
  readonly identifier: string
  /** The account that it is of, if any. */
  readonly user: User | null
  /** The device that says who it is; it counts by itself only at the account that it logged in to. */
  readonly device: KnownDevice | null
}

/** Why a lock ended. */
export type LockoutEnd = 'expired' | 'reset' | 'admin'

// As many attempts as may fail are under way: whether they do is known when their passwords are checked.
const patience = 5000
const pause = 50

/**
 * Who fails too often has to wait: at an account, whether or not there is one, and from an address.
 * A device that logged in before has a count of its own, so that no stranger locks an owner out.
 * Every door that takes a password asks here, so that all of them share one count. Knows no HTTP.
 */
export class Lockouts {
  readonly #parts: LockoutsParts
  readonly #store: LockoutStore
  readonly #keyed: KeyedHash

  constructor(parts: LockoutsParts) {
    this.#parts = parts
    this.#store = new LockoutStore(parts.statements)
    this.#keyed = parts.secrets.keyedHash('lockout')
  }

  /**
   * Lets a secret be checked, if fewer failures than allowed are counted or under way; counts the
   * failure, or forgives those before.
   *
   * @throws Throttled while it is locked: answered as any throttle answers, recorded as `locked`
   */
  async guard(attempt: SecretAttempt, check: () => Promise<boolean>): Promise<boolean> {
    const address = this.#addressOf(attempt)
    const count = this.#accountOf(attempt)
    if (address) await this.#assertOpen(address)
    if (count) await this.#claim(count)
    let right: boolean
    try {
      right = await check()
    } catch (error) {
      if (count) await this.#store.release(count)
      throw error
    }
    // A success forgives nothing of an address: whoever has an account there could try others for ever.
    if (right && count) await this.#store.forgive(count)
    if (!right && count) await this.#fail(count, attempt)
    if (!right && address) await this.#fail(address, attempt)
    return right
  }

  /** Ends the locks of an account and forgets its failures: its owner has the mailbox, or an administrator says so. */
  async lift(user: User, cause: 'reset' | 'admin'): Promise<number> {
    const ended = await this.#store.lift(user.id, this.#hash('account', canonicalIdentifier(user.email)))
    await this.#recordEnds(ended, cause)
    return ended.length
  }

  /** Ends the locks whose time is over, and forgets counts that are. */
  async sweep(): Promise<void> {
    const { account, address } = this.#parts.rules
    await this.#recordEnds(await this.#store.endOver(), 'expired')
    await this.#store.forget(Math.max(account?.window ?? 0, address?.window ?? 0))
  }

  #addressOf({ user, device }: SecretAttempt): AddressCount | null {
    const { address: rule } = this.#parts.rules
    const from = currentContext().address
    if (!rule || !from || isKnown(user, device)) return null
    return { key: this.#hash('address', limitKey('address', from)), kind: 'address', rule }
  }

  #accountOf({ identifier, user, device }: SecretAttempt): AccountCount | null {
    const { account: rule } = this.#parts.rules
    if (!rule) return null
    const userId = user?.id ?? null
    if (isKnown(user, device))
      return { key: this.#hash('device', `${userId} ${device?.id}`), kind: 'device', userId, rule }
    const key = this.#hash('account', canonicalIdentifier(user?.email ?? identifier))
    return { key, kind: 'account', userId, rule }
  }

  /**
   * Refused only where it is locked already. Guesses at many accounts at once may be a few more than
   * allowed: claimed one by one, all logins of a large network would wait for each other.
   */
  async #assertOpen({ key, rule }: AddressCount): Promise<void> {
    const refusal = await this.#store.refusal(key)
    if (refusal?.state === 'locked') throw locked(rule.failures, refusal.wait)
    if (refusal?.state === 'over') await this.#recordEnds(await this.#store.endIfOver(key), 'expired')
  }

  async #claim(count: AccountCount): Promise<void> {
    const deadline = Date.now() + patience
    while (!(await this.#store.claim(count))) {
      const refusal = await this.#store.refusal(count.key)
      if (refusal?.state === 'locked') throw locked(count.rule.failures, refusal.wait)
      if (refusal?.state === 'over') await this.#recordEnds(await this.#store.endIfOver(count.key), 'expired')
      else if (Date.now() > deadline) throw locked(count.rule.failures, 1)
      else await wait(pause)
    }
  }

  async #fail(count: AccountCount | AddressCount, { identifier, user }: SecretAttempt): Promise<void> {
    const { orm, mails, trail } = this.#parts
    const lock = await orm.em.fork().transactional(async (em) => {
      const began = await (count.kind === 'address'
        ? this.#store.failUnclaimed(em, count)
        : this.#store.fail(em, count))
      // Who signed up with somebody's address must not be able to have them written to.
      const isOwned = count.kind !== 'address' && user?.verifiedAt && !user.disabledAt
      if (began && isOwned) mails.post(em, user.email, mails.lockedOut(Math.ceil(began.seconds / 60)))
      return began
    })
    if (!lock) return
    await trail.record('lockout_start', {
      ...subjectOf(lock),
      ...(count.kind === 'address' ? {} : { attempted: identifier }),
      details: { by: lock.kind, lock: lock.id, until: new Date(lock.locked_until).toISOString() },
    })
  }

  async #recordEnds(ended: readonly Lock[], cause: LockoutEnd): Promise<void> {
    // What ends by itself is nobody's act, whoever happens to come by.
    const actor = cause === 'expired' ? ({ actor: { type: 'service', id: 'lockouts' } } as const) : {}
    for (const lock of ended) {
      const details = { by: lock.kind, lock: lock.id, cause }
      await this.#parts.trail.record('lockout_end', { ...actor, ...subjectOf(lock), details })
    }
  }

  #hash(kind: string, text: string): string {
    return this.#keyed(`${kind}\n${text}`)
  }
}

function isKnown(user: User | null, device: KnownDevice | null): boolean {
  return device !== null && user !== null && device.isOf(user)
}

function subjectOf({ user_id }: Lock): { subject?: { type: 'user'; id: string } } {
  return user_id === null ? {} : { subject: { type: 'user', id: user_id } }
}

/** Answered as a throttle is, so that it tells nobody what was locked; the row's reason says it. */
function locked(limit: number, retryAfter: number): Throttled {
  const hit = { scope: 'lockout', by: 'failures', limit, retryAfter } as const
  for (const attempt of currentFlow()?.call?.attempts ?? []) attempt.throttling = hit
  currentAttempt().reason('locked')
  return new Throttled(hit)
}

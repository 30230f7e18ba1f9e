import { createHmac } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { limitKey } from '@countersign/adapters/rate-limiter-flexible'
import {
  type AuditTrail,
  canonicalIdentifier,
  currentAttempt,
  currentContext,
  currentFlow,
  Throttled,
} from '@countersign/core'
import type { Secrets } from '@countersign/core/keys'
import type { MikroORM } from '@mikro-orm/core'
import type { Mails } from '../mails/mails.js'
import type { User } from '../store/entities.js'
import type { KnownDevice } from './known-devices.js'
import type { LockoutRules } from './lockout-rules.js'
import { type Lock, type LockoutCount, LockoutStore } from './lockout-store.js'

/** What {@link Lockouts} works with. */
export interface LockoutsParts {
  readonly orm: MikroORM
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
  readonly #key: Uint8Array

  constructor(parts: LockoutsParts) {
    this.#parts = parts
    this.#store = new LockoutStore(parts.orm)
    this.#key = parts.secrets.key('lockout')
  }

  /**
   * Lets a secret be checked, if fewer failures than allowed are counted or under way; counts the
   * failure, or forgives those before.
   *
   * @throws Throttled while it is locked: answered as any throttle answers, recorded as `locked`
   */
  async guard(attempt: SecretAttempt, check: () => Promise<boolean>): Promise<boolean> {
    const counts = this.#countsOf(attempt)
    await this.#claimAll(counts)
    let right: boolean
    try {
      right = await check()
    } catch (error) {
      await this.#releaseAll(counts)
      throw error
    }
    for (const count of counts) await (right ? this.#succeed(count) : this.#fail(count, attempt))
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

  #countsOf({ identifier, user, device }: SecretAttempt): LockoutCount[] {
    const { account, address } = this.#parts.rules
    const userId = user?.id ?? null
    const isKnown = device !== null && user !== null && device.isOf(user)
    const counts: LockoutCount[] = []
    const from = currentContext().address
    // Always the address first: two attempts that lock the same rows lock them in the same order.
    if (address && from && !isKnown) {
      const key = this.#hash('address', limitKey('address', from))
      counts.push({ key, kind: 'address', userId: null, rule: address })
    }
    if (account && isKnown) {
      counts.push({ key: this.#hash('device', `${user.id} ${device.id}`), kind: 'device', userId, rule: account })
    } else if (account) {
      const key = this.#hash('account', canonicalIdentifier(user?.email ?? identifier))
      counts.push({ key, kind: 'account', userId, rule: account })
    }
    return counts
  }

  async #claimAll(counts: readonly LockoutCount[]): Promise<void> {
    for (const [index, count] of counts.entries()) {
      const seconds = await this.#claim(count)
      if (seconds === null) continue
      await this.#releaseAll(counts.slice(0, index))
      throw locked(count.rule.failures, seconds)
    }
  }

  /** Null when it may be tried; else the seconds to wait. */
  async #claim(count: LockoutCount): Promise<number | null> {
    const deadline = Date.now() + patience
    while (!(await this.#store.claim(count))) {
      const refusal = await this.#store.refusal(count.key)
      if (refusal?.state === 'locked') return refusal.wait
      if (refusal?.state === 'over') await this.#recordEnds(await this.#store.endIfOver(count.key), 'expired')
      else if (Date.now() > deadline) return 1
      else await wait(pause)
    }
    return null
  }

  async #releaseAll(counts: readonly LockoutCount[]): Promise<void> {
    for (const count of counts) await this.#store.release(count)
  }

  async #succeed(count: LockoutCount): Promise<void> {
    // Whoever has one account of their own must not be able to try others from there for ever.
    await (count.kind === 'address' ? this.#store.release(count) : this.#store.forgive(count))
  }

  async #fail(count: LockoutCount, { identifier, user }: SecretAttempt): Promise<void> {
    const { orm, mails, trail } = this.#parts
    const lock = await orm.em.fork().transactional(async (em) => {
      const began = await this.#store.fail(em, count)
      // Who signed up with somebody's address must not be able to have them written to.
      const isOwned = count.kind !== 'address' && user?.verifiedAt && !user.disabledAt
      if (began && isOwned) mails.post(em, user.email, mails.lockedOut(Math.ceil(count.rule.duration / 60)))
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
    return createHmac('sha256', this.#key).update(`${kind}\n${text}`).digest('base64url')
  }
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

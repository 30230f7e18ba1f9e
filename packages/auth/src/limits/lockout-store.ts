import type { SqlClient } from '@countersign/adapters/mikro-orm'
import { rowId } from '@countersign/core'
import type { EntityManager } from '@mikro-orm/core'
import type { SqlEntityManager } from '@mikro-orm/postgresql'
import { hurried } from '../store/hurried-commit.js'
import type { GrowingLockoutRule, LockoutRule } from './lockout-rules.js'

// Rows in one step: requests wait behind it.
const most = 500

/** What is counted by itself: the attempts at an account, those from one of its devices, those from an address. */
export type LockoutKind = 'account' | 'device' | 'address'

/** The attempts at an account, or those from one of its devices. */
export interface AccountCount {
  /** A keyed hash. */
  readonly key: string
  readonly kind: 'account' | 'device'
  readonly userId: string | null
  readonly rule: GrowingLockoutRule
}

/** The attempts from an address. */
export interface AddressCount {
  /** A keyed hash. */
  readonly key: string
  readonly kind: 'address'
  readonly rule: LockoutRule
}

/** A lock that ended. */
export interface Lock {
  readonly id: string
  readonly kind: LockoutKind
  readonly user_id: string | null
}

/** A lock that began. */
export interface BegunLock extends Lock {
  readonly locked_until: Date
  /** How long it lasts, by the clock of the database. */
  readonly seconds: number
}

/** Why a count takes no attempt: it is locked, its lock is over and must be ended first, or the last attempts are under way. */
export interface Refusal {
  readonly state: 'locked' | 'over' | 'busy'
  /** Whole seconds until it is worth trying again, at least 1. */
  readonly wait: number
}

const columns = 'id, kind, user_id'
const begun = `${columns}, locked_until, extract(epoch from locked_until - now())::int as seconds`

// For so long after a lock ended, or after the last window of failures began, the next one is longer than the one before.
const memory = "interval '1 day'"

// From then on a day is counted, whoever notices the end, and when.
const asEnded = 'locked_until = null, claimed = 0, failed = 0, since = locked_until'

// Counts are hurried: one that a crash of the database server loses lets a few more guesses in.
const isRunning = 'l.since > now() - make_interval(secs => $5)'

const claiming = `with quick as (${hurried})
  insert into auth_lockout as l (key, id, kind, user_id, claimed, failed, since)
  select $1, $2::uuid, $3, $4::uuid, 1, 0, now() from quick where hurried = 'off'
  on conflict (key) do update set
    claimed = case when ${isRunning} then l.claimed + 1 else 1 end,
    failed = case when ${isRunning} then l.failed else 0 end,
    since = case when ${isRunning} then l.since else now() end,
    locks = case when l.since > now() - ${memory} then l.locks else 0 end,
    user_id = excluded.user_id
  where l.locked_until is null and (l.claimed < $6 or not ${isRunning})
  returning claimed`

const refusing = `select
    case when locked_until > now() then 'locked' when locked_until is null then 'busy' else 'over' end as state,
    greatest(1, ceil(extract(epoch from coalesce(locked_until, now()) - now())))::int as wait
  from auth_lockout where key = $1`

const forgiving = `delete from auth_lockout where key = $1 and locked_until is null and (${hurried}) = 'off'`

/** The counts of failures, in the database: each step is one statement, which decides among all processes. */
export class LockoutStore {
  readonly #statements: SqlClient

  constructor(statements: SqlClient) {
    this.#statements = statements
  }

  /** Takes one of the attempts that are allowed, before anybody knows whether it fails. */
  async claim({ key, kind, userId, rule }: AccountCount): Promise<boolean> {
    const values = [key, rowId(), kind, userId, rule.window, rule.failures]
    const claimed = await this.#statements.query(claiming, values, 'countersign-lockout-claim')
    return claimed.length > 0
  }

  /** Why it could not be claimed; null when it can by now. */
  async refusal(key: string): Promise<Refusal | null> {
    const [refusal] = await this.#statements.query<Refusal>(refusing, [key], 'countersign-lockout-refusal')
    return refusal ?? null
  }

  /** Counts a failure; the lock that it began, for the one that began it. */
  async fail(em: EntityManager, { key, rule }: AccountCount): Promise<BegunLock | null> {
    const seconds = 'least(?::float8, ?::float8 * power(2, least(locks, 30)))'
    const [count] = await (em as SqlEntityManager).execute<Array<BegunLock | { locked_until: null }>>(
      `update auth_lockout set failed = failed + 1,
         id = case when failed + 1 >= ? then ?::uuid else id end,
         locks = case when failed + 1 >= ? then locks + 1 else locks end,
         locked_until = case when failed + 1 >= ? then now() + make_interval(secs => ${seconds}) end
       where key = ? and locked_until is null
       returning ${begun}`,
      [rule.failures, rowId(), rule.failures, rule.failures, rule.longest, rule.duration, key],
    )
    return count?.locked_until ? (count as BegunLock) : null
  }

  /** Counts a failure that nobody claimed: of an address, where all who come from it would wait for each other. */
  async failUnclaimed(em: EntityManager, { key, kind, rule }: AddressCount): Promise<BegunLock | null> {
    const running = 'l.since > now() - make_interval(secs => ?)'
    const failed = `case when ${running} then l.failed + 1 else 1 end`
    const until = 'now() + make_interval(secs => ?)'
    const [count] = await (em as SqlEntityManager).execute<Array<BegunLock | { locked_until: null }>>(
      `insert into auth_lockout as l (key, id, kind, claimed, failed, since, locked_until)
       values (?, ?, ?, 0, 1, now(), case when ? <= 1 then ${until} end)
       on conflict (key) do update set
         failed = ${failed},
         since = case when ${running} then l.since else now() end,
         locked_until = case when ${failed} >= ? then ${until} end
       where l.locked_until is null
       returning ${begun}`,
      [
        ...[key, rowId(), kind, rule.failures, rule.duration],
        ...[rule.window, rule.window, rule.window, rule.failures, rule.duration],
      ],
    )
    return count?.locked_until ? (count as BegunLock) : null
  }

  /** Gives an attempt back that was claimed and did not fail. */
  async release({ key }: AccountCount): Promise<void> {
    await this.#statements.query(
      'update auth_lockout set claimed = claimed - 1 where key = $1 and locked_until is null and claimed > 0',
      [key],
    )
  }

  /** Forgets the failures and the locks of this count alone. A lock that began meanwhile stays. */
  async forgive({ key }: AccountCount): Promise<void> {
    await this.#statements.query(forgiving, [key], 'countersign-lockout-forgive')
  }

  /** Ends the lock of a count if its time is over; that there was one is remembered. */
  async endIfOver(key: string): Promise<Lock[]> {
    return this.#statements.query<Lock>(
      `update auth_lockout set ${asEnded} where key = $1 and locked_until <= now() returning ${columns}`,
      [key],
    )
  }

  /** Forgets what was counted for an account, by its id and by the key of its address; the locks that this ended. */
  async lift(userId: string, key: string): Promise<Lock[]> {
    const forgotten = await this.#statements.query<Lock & { locked: boolean }>(
      `delete from auth_lockout where user_id = $1 or key = $2 returning ${columns}, locked_until is not null as locked`,
      [userId, key],
    )
    return forgotten.filter(({ locked }) => locked)
  }

  /** Ends locks whose time is over, so many at most. */
  async endOver(): Promise<Lock[]> {
    return this.#statements.query<Lock>(
      `update auth_lockout set ${asEnded} where key in
         (select key from auth_lockout where locked_until <= now() limit ${most} for update skip locked)
       returning ${columns}`,
      [],
    )
  }

  /** Forgets counts that began longer ago than this many seconds; those that locked, when that counts no more. */
  async forget(seconds: number): Promise<void> {
    for (let gone = most; gone === most; ) {
      const forgotten = await this.#statements.query(
        `delete from auth_lockout where key in (
           select key from auth_lockout where locked_until is null and since <= now() - make_interval(secs => $1)
             and (locks = 0 or since <= now() - ${memory}) limit ${most} for update skip locked
         ) returning key`,
        [seconds],
      )
      gone = forgotten.length
    }
  }
}

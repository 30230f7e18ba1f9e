/**
 * What is worth remembering for minutes, in one place for all processes: logins that wait for their
 * second factor, changes that wait to be confirmed. Never the only record of anything. A key names
 * its area first (`pending-login:…`) and holds no secret as it stands, only its hash.
 *
 * A store that is away lets nobody through: every method then rejects, and the request is
 * answered 503.
 */
export interface ShortLivedState {
  /** Keeps a value for so many seconds, in place of the one before. */
  put(key: string, value: string, seconds: number): Promise<void>
  /** The value; null where there is none, or its time is over. */
  get(key: string): Promise<string | null>
  /** The value, which is gone then: of any number who take it at the same time, one gets it. */
  take(key: string): Promise<string | null>
  /** Counts one more, by one atomic step; returns how many it is now. The first one begins the seconds. */
  count(key: string, seconds: number): Promise<number>
  /** Forgets the value, or the count. */
  drop(key: string): Promise<void>
}

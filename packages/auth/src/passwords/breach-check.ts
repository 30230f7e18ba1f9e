import { AsyncResource } from 'node:async_hooks'
import { type AuditTrail, type DegradationListener, recordDegradation } from '@countersign/core'
import { AuthRefusal } from '../web/auth-refusal.js'
import type { BreachedPasswords } from './breached-passwords.js'

const component = 'breached_passwords'

/** What {@link BreachCheck} works with. */
export interface BreachCheckParts {
  readonly breached: BreachedPasswords
  readonly trail: AuditTrail
  readonly onFailure?: 'accept' | 'refuse' | undefined
  /** Seconds that whoever knows is waited for (2). */
  readonly timeout?: number | undefined
}

/** Whether a password may be chosen for all that leaks say, also while nobody can say it. */
export class BreachCheck {
  readonly #breached: BreachedPasswords
  readonly #reaction: 'accept' | 'refuse'
  readonly #milliseconds: number
  // An outage is nobody's request, whoever comes upon it.
  readonly #outside = new AsyncResource('CountersignBreachCheck')
  readonly #tell: DegradationListener

  constructor({ breached, trail, onFailure = 'accept', timeout = 2 }: BreachCheckParts) {
    this.#breached = breached
    this.#reaction = onFailure
    this.#milliseconds = timeout * 1000
    this.#tell = recordDegradation((event, options) =>
      this.#outside.runInAsyncScope(() => trail.record(event, options)),
    )
  }

  /**
   * Whether a password is known to be in a leak.
   *
   * @throws AuthRefusal 503 where it can't be known and is not to be accepted then
   */
  async isBreached(password: string): Promise<boolean> {
    try {
      const isBreached = await this.#inTime(this.#breached.includes(password))
      this.#tell({ degraded: false, component, reaction: this.#reaction })
      return isBreached
    } catch (cause) {
      this.#tell({ degraded: true, component, reaction: this.#reaction, cause })
      if (this.#reaction === 'accept') return false
      throw new AuthRefusal(503, 'unavailable', { detail: 'Whether this password is in a leak can not be known now.' })
    }
  }

  /** Whoever stands in the place of ours may wait for ever. */
  async #inTime(answer: Promise<boolean>): Promise<boolean> {
    const signal = AbortSignal.timeout(this.#milliseconds)
    const late = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
    return Promise.race([answer, late])
  }
}

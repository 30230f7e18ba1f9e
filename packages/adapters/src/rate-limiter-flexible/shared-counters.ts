import { inspect } from 'node:util'
import { AuditError, type Degradation, type DegradationListener, warn } from '@countersign/core'
import { Counter, type Counting, insurance } from './counter.js'
import type { SharedStore } from './limit-stores.js'
import { type Outage, Reachability } from './reachability.js'
import type { Window } from './scope-limits.js'

/** What happens while a shared store is away. */
export interface Unreachability {
  /**
   * `insure` (default) counts in this process meanwhile, by the same limits: each process by itself.
   * `refuse` refuses the attempt with `LIMITER_FAILED`.
   */
  readonly unreachable?: 'insure' | 'refuse'
  /** Milliseconds that the store may take to answer (500). */
  readonly patience?: number
  /** Milliseconds that the store is not asked after it failed (1000); then one attempt asks it. */
  readonly pause?: number
}

/** The counters of one shared store, which is away for all of them or for none. */
export class SharedCounters {
  readonly #store: SharedStore
  readonly #reaction: 'insure' | 'refuse'
  readonly #reachability: Reachability
  readonly #listeners = new Set<DegradationListener>()

  constructor(store: SharedStore, { unreachable, patience, pause }: Required<Unreachability>) {
    this.#store = store
    this.#reaction = unreachable
    this.#reachability = new Reachability({ patience, pause, onChange: (outage) => this.#tell(outage) })
  }

  counter(name: string, window: Window): Counting {
    const there = new Counter(this.#store.counter(name, window), window)
    return this.#reaction === 'insure' ? this.#insured(there, insurance(name, window)) : this.#refusing(there)
  }

  /** Tells of every change, and at once of an outage that is under way. */
  watch(listener: DegradationListener): () => void {
    const told: DegradationListener = (state) => listener(state)
    this.#listeners.add(told)
    const { outage } = this.#reachability
    if (outage) this.#inform(told, outage)
    return () => {
      this.#listeners.delete(told)
    }
  }

  #insured(there: Counting, here: Counting): Counting {
    return {
      reserve: (key) => this.#ask(() => there.reserve(key)).catch(() => here.reserve(key)),
      clear: async (key) => {
        // Also in health: what an earlier outage counted must not come back in the next.
        await here.clear(key)
        await this.#ask(() => there.clear(key)).catch(() => undefined)
      },
    }
  }

  #refusing(there: Counting): Counting {
    const refuse = (cause: unknown): never => {
      throw new AuditError('LIMITER_FAILED', `The ${this.#store.name} that attempts are counted in is away.`, { cause })
    }
    return {
      reserve: (key) => this.#ask(() => there.reserve(key)).catch(refuse),
      clear: (key) => this.#ask(() => there.clear(key)).catch(refuse),
    }
  }

  #ask<Answer>(question: () => Promise<Answer>): Promise<Answer> {
    return this.#reachability.ask(async () => {
      this.#store.assertConnected()
      return question()
    })
  }

  #tell(outage: Outage | null): void {
    for (const listener of [...this.#listeners]) this.#inform(listener, outage)
  }

  #inform(listener: DegradationListener, outage: Outage | null): void {
    try {
      listener(this.#state(outage))
    } catch (cause) {
      warn(new AuditError('SUBSCRIBER_FAILED', 'A listener of the limiter failed; nothing else did.', { cause }))
    }
  }

  #state(outage: Outage | null): Degradation {
    const state = { component: 'limiter', reaction: this.#reaction }
    return outage ? { ...state, degraded: true, cause: outage.cause } : { ...state, degraded: false }
  }
}

/**
 * How a limiter takes it that its store is away; also asked of one without a store, which may get one tomorrow.
 * @throws AuditError `SETTING_INVALID`
 */
export function unreachability(options: Unreachability): Required<Unreachability> {
  const { unreachable = 'insure', patience = 500, pause = 1000 } = options
  if (unreachable !== 'insure' && unreachable !== 'refuse')
    throw notASetting('unreachable', unreachable, "'insure' or 'refuse'")
  if (!isTime(patience, 1)) throw notASetting('patience', patience, 'milliseconds, 1 or more')
  if (!isTime(pause, 0)) throw notASetting('pause', pause, 'milliseconds, 0 or more')
  return { unreachable, patience, pause }
}

function isTime(milliseconds: unknown, least: number): boolean {
  return typeof milliseconds === 'number' && milliseconds >= least && milliseconds <= 2 ** 31 - 1
}

function notASetting(name: string, value: unknown, instead: string): AuditError {
  return new AuditError('SETTING_INVALID', `The ${name} of flexibleLimiter is ${inspect(value)}. Write ${instead}.`)
}

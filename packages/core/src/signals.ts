import { AsyncLocalStorage } from 'node:async_hooks'
import { inspect } from 'node:util'
import mitt from 'mitt'
import { isThenable } from './answers-later.js'
import { AuditError } from './audit-error.js'
import { type EventName, isSnakeCase, type Outcome, outcomes } from './events.js'
import type { AuditRow } from './row.js'
import { warn } from './warn.js'

/** The announcement of a stored row. */
export interface AuditSignal<Event extends EventName = EventName> {
  readonly name: Event
  readonly row: AuditRow<Event>
}

/** A row that could not be stored, and why. It is counted in `trail.counts.lost`. */
export interface LossSignal {
  readonly name: 'loss'
  readonly row: AuditRow
  readonly cause: unknown
}

/** A fault that harmed nobody: a subscriber that threw, a step that failed. */
export interface FaultSignal {
  readonly name: 'fault'
  readonly error: AuditError
}

/** What can be subscribed to: an event, an event's outcome, everything, losses and faults. */
export type SignalName = '*' | 'loss' | 'fault' | EventName | `${EventName}.${Outcome}`

/** What a subscriber of a name receives. */
export type SignalOf<Name extends SignalName> = Name extends 'loss'
  ? LossSignal
  : Name extends 'fault'
    ? FaultSignal
    : Name extends `${infer Event}.${Outcome}`
      ? AuditSignal<Extract<Event, EventName>>
      : Name extends EventName
        ? AuditSignal<Name>
        : { [Event in EventName]: AuditSignal<Event> }[EventName]

/** How long a subscription lasts. */
export interface SubscribeOptions {
  /** Unsubscribes when aborted. */
  readonly signal?: AbortSignal
}

/**
 * The typed, in-process announcements of a trail, at most once each, after the row was stored.
 * A subscriber that throws or rejects harms nobody: it is reported as a `fault`. Nobody waits for
 * one that hangs. One that leaves rows itself is not told of them, nor of what comes of them: the
 * others are. So what it starts ends, unless it goes through something that forgets who asked: a
 * queue, or a request to its own server.
 */
export interface AuditSignals {
  /**
   * Subscribes, and returns what ends the subscription.
   *
   * @example
   * const off = trail.signals.on('login.failure', ({ row }) => alert(row.attempted, row.address))
   */
  on<Name extends SignalName>(
    name: Name,
    subscriber: (signal: SignalOf<Name>) => unknown,
    options?: SubscribeOptions,
  ): () => void
  /** As {@link on}, for one signal. */
  once<Name extends SignalName>(
    name: Name,
    subscriber: (signal: SignalOf<Name>) => unknown,
    options?: SubscribeOptions,
  ): () => void
}

type Subscriber = (signal: never) => unknown
type AnySignal = AuditSignal | LossSignal | FaultSignal

/** A signal on its way to those who subscribed. */
interface Announcement {
  readonly signal: AnySignal
  readonly above: Telling
}

/** The subscribers that something comes of: the one that is running, and those that its signal comes of. */
export type Telling = readonly object[]

// Across trails: two whose subscribers record in each other's would never end either.
const tellings = new AsyncLocalStorage<Telling>()
const nobody: Telling = []

/** The subscribers that the running code comes of; none, as a rule. */
export function currentTelling(): Telling {
  return tellings.getStore() ?? nobody
}

function assertSignalName(name: unknown): asserts name is string {
  if (name === '*') return
  const [event, outcome, ...rest] = typeof name === 'string' ? name.split('.') : []
  if (isSnakeCase(event) && rest.length === 0 && (outcome === undefined || outcomes.includes(outcome as Outcome)))
    return
  throw new AuditError(
    'SIGNAL_INVALID',
    `${inspect(name)} is no signal. Subscribe to an event ('login'), to an outcome ('login.failure'), to '*', 'loss' or 'fault'.`,
  )
}

// No event can be called that.
const everything = '* '

// mitt's declarations are CommonJS, its code is a module: the types are one `default` too deep.
const createBus = mitt as unknown as typeof mitt.default

/** The bus behind `trail.signals`; the trail alone emits. */
export class SignalBus implements AuditSignals {
  readonly #bus = createBus<Record<string, Announcement>>()
  #subscribers = 0

  on<Name extends SignalName>(
    name: Name,
    subscriber: (signal: SignalOf<Name>) => unknown,
    options: SubscribeOptions = {},
  ): () => void {
    assertSignalName(name)
    if (options.signal?.aborted) return () => undefined
    // mitt hands a '*' listener the name first; rows are announced to '*' by name, like the rest.
    const key = name === '*' ? everything : name
    let subscribed = true
    // One that is subscribed by a running subscriber counts as that one: else each could beget the next.
    const bornOf = currentTelling()
    const listener = ({ signal, above }: Announcement): void => {
      if (!subscribed || above.includes(listener) || bornOf.some((subscriber) => above.includes(subscriber))) return
      this.#run(subscriber as Subscriber, { signal, above: [...above, listener] }, name)
    }
    this.#bus.on(key, listener)
    this.#subscribers++
    const off = (): void => {
      if (!subscribed) return
      subscribed = false
      this.#subscribers--
      this.#bus.off(key, listener)
      options.signal?.removeEventListener('abort', off)
    }
    options.signal?.addEventListener('abort', off, { once: true })
    return off
  }

  once<Name extends SignalName>(
    name: Name,
    subscriber: (signal: SignalOf<Name>) => unknown,
    options: SubscribeOptions = {},
  ): () => void {
    const off = this.on(
      name,
      (signal) => {
        off()
        return subscriber(signal)
      },
      options,
    )
    return off
  }

  announce(row: AuditRow, above: Telling): void {
    if (this.#subscribers === 0) return
    const announcement = { signal: { name: row.event, row }, above }
    this.#bus.emit(row.event, announcement)
    this.#bus.emit(`${row.event}.${row.outcome}`, announcement)
    this.#bus.emit(everything, announcement)
  }

  lose(row: AuditRow, cause: unknown, above: Telling): void {
    this.#bus.emit('loss', { signal: { name: 'loss', row, cause }, above })
  }

  /** Tells the subscribers of faults; without any that it does not come of, the process warns. */
  report(error: AuditError, above: Telling): void {
    const isTold = this.#bus.all.get('fault')?.some((listener) => !above.includes(listener))
    if (isTold) this.#bus.emit('fault', { signal: { name: 'fault', error }, above })
    else warn(error)
  }

  #run(subscriber: Subscriber, { signal, above }: Announcement, name: string): void {
    const fail = (cause: unknown): void => {
      const error = new AuditError('SUBSCRIBER_FAILED', `A subscriber of '${name}' failed; nothing else did.`, {
        cause,
      })
      // A subscriber of faults that throws must not be told of its own fault.
      if (name === 'fault') warn(error)
      else this.report(error, above)
    }
    try {
      const result = tellings.run(above, subscriber, signal as never)
      if (result instanceof Promise) result.catch(fail)
      else if (isThenable(result)) Promise.resolve(result).catch(fail)
    } catch (cause) {
      fail(cause)
    }
  }
}

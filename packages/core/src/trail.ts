import { inspect } from 'node:util'
import { refuseLater } from './answers-later.js'
import type { Attempt } from './attempt.js'
import { AuditError, type AuditErrorCode } from './audit-error.js'
import { AuditedCall } from './audited-call.js'
import { assertEventName, type EventDeclaration, type EventDefinition } from './catalogue.js'
import type { Ending } from './classify.js'
import { currentContext, currentFlow, runInContext } from './context.js'
import { ContextEnvelopes, type SealOptions } from './context-envelope.js'
import { recordDegradation } from './degradation.js'
import { EventDefinitions } from './event-definitions.js'
import { type EventDetails, type EventName, isOutcome, type Outcome } from './events.js'
import { freezeRow } from './freeze-row.js'
import { type ActorLike, type Subject, toActor } from './identity.js'
import { derivedKeys } from './keyed-hash.js'
import type { AuditLimiter } from './limiter.js'
import { assertPolicy, type EventPolicy } from './policy.js'
import type { AuditReason } from './reasons.js'
import type { AuditRow, Device } from './row.js'
import { RowDelivery } from './row-delivery.js'
import { RowMaker } from './row-maker.js'
import { sealRow } from './seal-row.js'
import { type AuditSignals, SignalBus } from './signals.js'
import { type AuditSink, isSink } from './sink.js'

/** What a trail is made of. Only the sink is required. */
export interface AuditTrailOptions {
  readonly sink: AuditSink
  /** Counts attempts for `@Throttle`; one configured scope per name. When its store is away, that is two rows. */
  readonly limiter?: AuditLimiter
  /**
   * The root of the keyed hashes of identifiers and sessions, at least 32 bytes. Without it the
   * hashes of one process can't be compared with those of another.
   */
  readonly key?: string | Uint8Array
  /** Your own events: severity and names in other vocabularies. */
  readonly events?: Readonly<Record<string, EventDeclaration>>
  readonly policies?: { readonly [Event in EventName]?: EventPolicy }
  /** Sees every row before it is written, and may change it; secrets are taken out afterwards. */
  readonly transform?: (row: AuditRow) => TransformedRow
  /** Answers true to leave a row out: no row, no signal, counted as vetoed. */
  readonly veto?: (row: AuditRow) => boolean
  /** Parses a user agent; what it throws costs the device and nothing else. */
  readonly device?: (userAgent: string) => Device | null
}

/** A row as a transform returns it: its details may be of any shape. */
export type TransformedRow = Omit<AuditRow, 'details'> & { readonly details: object }

/** An attempt that no method call stands for: a job, a command, a rule that fired. */
export interface RecordOptions<Event extends EventName> {
  readonly outcome?: Outcome
  readonly reason?: AuditReason
  readonly actor?: ActorLike
  readonly onBehalfOf?: ActorLike
  readonly subject?: Subject
  readonly attempted?: string
  readonly details?: EventDetails<Event>
}

/** What a trail did since it was made. */
export interface TrailCounts {
  readonly recorded: number
  readonly vetoed: number
  readonly lost: number
}

/** Takes closed attempts: classifies, completes, redacts, delivers, then signals. */
export interface AuditTrail {
  readonly signals: AuditSignals
  readonly limiter: AuditLimiter | undefined
  readonly counts: TrailCounts
  /**
   * Records an attempt without a controller. Resolves when the row is stored, or its loss counted.
   *
   * @example
   * await trail.record('audit_prune', { actor: { type: 'service', id: 'retention' }, details: { rows: 12 } })
   */
  record<Event extends EventName>(event: Event, options?: RecordOptions<Event>): Promise<void>
  /**
   * The context of the running call, and who acts in it, as a signed text to put into a job.
   * Anybody who gets it can read it; nobody can change it. Processes need the same `key`.
   *
   * @throws AuditError `SETTING_INVALID`
   * @example
   * await queue.send('invoices', { id: '7', context: trail.sealContext({ purpose: 'invoices' }) })
   */
  sealContext(options: SealOptions): string
  /**
   * Runs a job in the context that was sealed for it, in this process or another one: its rows
   * bear the request, the address and the session that it came from, and who asked for it.
   *
   * @throws AuditError `ENVELOPE_INVALID`
   * @example
   * await trail.runSealed(job.context, 'invoices', () => invoices.close(job))
   */
  runSealed<Result>(envelope: string, purpose: string, run: () => Result): Result
  /** Whether the catalogue or `events` knows this name. */
  knows(event: string): boolean
  definitionOf(event: string): EventDefinition
  /** The hash under which a submitted identifier is stored. */
  identifierHash(identifier: string): string
  /** Resolves when nothing is being delivered. */
  settled(): Promise<void>
  /** Waits for what is under way, and closes the sink. */
  close(): Promise<void>
  /** Makes the row of a closed attempt; null when it was vetoed. For {@link AuditedCall}. */
  rowOf(attempt: Attempt, call: AuditedCall, ending: Ending): AuditRow | null
  /** Delivers and announces rows; never rejects. For {@link AuditedCall}. */
  deliver(rows: AuditRow[]): Promise<void>
  /** Reports a fault that harmed nobody: to the `fault` subscribers, else as a process warning. */
  report(code: AuditErrorCode, message: string, cause?: unknown): void
}

/**
 * Makes a trail. Everything is passed in; two trails share nothing.
 *
 * @throws AuditError `SINK_INVALID`, `KEY_INVALID`, `POLICY_INVALID`, `POLICY_UNSUPPORTED`, `EVENT_NAME_INVALID`, `EVENT_UNKNOWN`
 * @example
 * const sink = memorySink()
 * const trail = createAuditTrail({ sink })
 */
export function createAuditTrail(options: AuditTrailOptions): AuditTrail {
  return new Trail(options)
}

const nobody = Object.freeze({ className: null, actor: null })

class Trail implements AuditTrail {
  readonly signals: SignalBus = new SignalBus()
  readonly limiter: AuditLimiter | undefined
  readonly #options: AuditTrailOptions
  readonly #events: EventDefinitions
  readonly #rows: RowMaker
  readonly #envelopes: ContextEnvelopes
  readonly #delivery: RowDelivery
  readonly #unwatch: (() => void) | undefined
  #vetoes = 0

  constructor(options: AuditTrailOptions) {
    assertSink(options?.sink)
    this.#options = options
    this.limiter = options.limiter
    this.#delivery = new RowDelivery({ sink: options.sink, signals: this.signals })
    this.#events = new EventDefinitions(options.events)
    for (const [event, policy] of Object.entries(options.policies ?? {})) {
      if (!this.knows(event)) {
        throw new AuditError(
          'EVENT_UNKNOWN',
          `policies names '${event}', which is no event of the catalogue. Write: events: { ${event}: { severity: 'low' } }`,
        )
      }
      if (policy) assertPolicy(event, policy)
    }
    this.#envelopes = new ContextEnvelopes(derivedKeys(options.key)('envelope'))
    this.#rows = new RowMaker({
      definitionOf: (event) => this.#events.get(event),
      key: options.key,
      device: options.device,
      onFault: (step, cause) => this.#stepFailed(step, cause),
    })
    this.#unwatch = options.limiter?.watch?.(
      recordDegradation((event, details) => this.#delivery.outside(() => this.record(event, details))),
    )
  }

  get counts(): TrailCounts {
    return { recorded: this.#delivery.recorded, vetoed: this.#vetoes, lost: this.#delivery.lost }
  }

  knows(event: string): boolean {
    return this.#events.has(event)
  }

  definitionOf(event: string): EventDefinition {
    return this.#events.get(event)
  }

  identifierHash(identifier: string): string {
    return this.#rows.identifierHash(identifier)
  }

  async record<Event extends EventName>(event: Event, options: RecordOptions<Event> = {}): Promise<void> {
    assertEventName(event)
    assertOutcome(options.outcome)
    const call = new AuditedCall(this, currentContext(), nobody, null, currentFlow()?.call)
    const attempt = call.open(event)
    const { actor, onBehalfOf, subject, attempted, details, reason, outcome } = options
    attempt.actor = actor ? toActor(actor) : null
    attempt.onBehalfOf = onBehalfOf ? toActor(onBehalfOf) : null
    attempt.subject = subject ?? null
    attempt.attempted = attempted ?? null
    attempt.details = details ? { ...details } : null
    attempt.reason = reason ?? null
    attempt.outcome = outcome ?? null
    await call.close({})
  }

  sealContext(options: SealOptions): string {
    return this.#envelopes.seal(this.#rows.sealable(currentFlow()?.call, currentContext()), options)
  }

  runSealed<Result>(envelope: string, purpose: string, run: () => Result): Result {
    assertRun(run)
    return runInContext(this.#envelopes.open(envelope, purpose), run, { trail: this })
  }

  rowOf(attempt: Attempt, call: AuditedCall, ending: Ending): AuditRow | null {
    let row = this.#rows.make(attempt, call, ending)
    const { transform, veto } = this.#options
    if (transform) row = this.#transformed(row, transform)
    freezeRow(row)
    if (veto && this.#vetoed(row, veto)) {
      this.#vetoes++
      return null
    }
    return row
  }

  deliver(rows: AuditRow[]): Promise<void> {
    return this.#delivery.deliver(rows)
  }

  report(code: AuditErrorCode, message: string, cause?: unknown): void {
    this.#delivery.report(new AuditError(code, message, cause === undefined ? {} : { cause }))
  }

  settled(): Promise<void> {
    return this.#delivery.settled()
  }

  close(): Promise<void> {
    this.#unwatch?.()
    return this.#delivery.close()
  }

  #transformed(row: AuditRow, transform: (row: AuditRow) => TransformedRow): AuditRow {
    try {
      const changed = transform(structuredClone(row))
      refuseLater(changed)
      return sealRow(row, { ...row, ...changed } as AuditRow)
    } catch (cause) {
      this.#stepFailed('the transform', cause)
      // It may have been there to take something out: the details stay behind, the fact does not.
      return { ...row, details: {} }
    }
  }

  #vetoed(row: AuditRow, veto: (row: AuditRow) => boolean): boolean {
    try {
      const answer: unknown = veto(row)
      refuseLater(answer)
      return answer === true
    } catch (cause) {
      this.#stepFailed('the veto', cause)
      return false
    }
  }

  #stepFailed(step: string, cause: unknown): void {
    this.report('STEP_FAILED', `${step} failed; the row is recorded without it.`, cause)
  }
}

function assertSink(sink: unknown): void {
  if (isSink(sink)) return
  throw new AuditError(
    'SINK_INVALID',
    `A trail needs a sink, an object with write(rows), and was given ${inspect(sink, { depth: 0 })}. Write: createAuditTrail({ sink: memorySink() })`,
  )
}

function assertOutcome(outcome: unknown): void {
  if (outcome === undefined || isOutcome(outcome)) return
  throw new AuditError('SETTING_INVALID', `${inspect(outcome)} is no outcome. Write 'success', 'failure' or 'denied'.`)
}

function assertRun(run: unknown): void {
  if (typeof run === 'function') return
  throw new AuditError(
    'SETTING_INVALID',
    `runSealed was given ${inspect(run)} to run. Write: trail.runSealed(job.context, 'invoices', () => invoices.close(job))`,
  )
}

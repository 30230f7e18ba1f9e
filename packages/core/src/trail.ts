import type { Attempt } from './attempt.js'
import { AuditError, type AuditErrorCode } from './audit-error.js'
import { AuditedCall } from './audited-call.js'
import { assertEventName, type EventDefinition } from './catalogue.js'
import type { Ending } from './classify.js'
import { currentContext, currentFlow, runInContext } from './context.js'
import { ContextEnvelopes, type SealOptions } from './context-envelope.js'
import { recordDegradation } from './degradation.js'
import { EventDefinitions } from './event-definitions.js'
import type { EventName } from './events.js'
import { FloodBudget } from './flood-budget.js'
import type { FloodOptions } from './flood-options.js'
import { guardedMetrics } from './guarded-metrics.js'
import { toActor } from './identity.js'
import { JoinedAttempts } from './joined-attempts.js'
import { derivedKeys } from './keyed-hash.js'
import type { AuditLimiter } from './limiter.js'
import { LossReport } from './loss-report.js'
import { Policies } from './policy.js'
import type { AuditRow } from './row.js'
import { RowDelivery } from './row-delivery.js'
import { RowMaker } from './row-maker.js'
import { RowSteps } from './row-steps.js'
import { type AuditSignals, SignalBus } from './signals.js'
import type { SinkTransaction } from './sink.js'
import {
  type AuditTrailOptions,
  assertOutcome,
  assertRun,
  assertTrailOptions,
  type RecordOptions,
  type TrailCounts,
  type TrailHealth,
} from './trail-options.js'

/** Takes closed attempts: classifies, completes, redacts, delivers, then signals. */
export interface AuditTrail {
  readonly signals: AuditSignals
  readonly limiter: AuditLimiter | undefined
  readonly counts: TrailCounts
  readonly health: TrailHealth
  /** Whether any event is `joined`. For {@link AuditedCall}. */
  readonly joins: boolean
  /**
   * Records an attempt without a controller. Resolves when the row is safe, or its loss counted. An
   * event whose policy says `joined`, inside a transaction, gets its row in that transaction.
   *
   * @throws AuditError `EVENT_NAME_INVALID`, `SETTING_INVALID`; `UNRECORDABLE` inside a transaction
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
  /** Makes the row of an attempt for somebody who stores it himself; null when it was vetoed. */
  rowFor<Event extends EventName>(event: Event, options?: RecordOptions<Event>): AuditRow | null
  /** Counts and announces rows of {@link rowFor} that are stored. */
  announceStored(rows: readonly AuditRow[]): void
  /** Whether the catalogue or `events` knows this name. */
  knows(event: string): boolean
  definitionOf(event: string): EventDefinition
  /** The hash under which a submitted identifier is stored. */
  identifierHash(identifier: string): string
  /** Resolves when nothing is being delivered, and what the spool holds is in the store, if that answers. */
  settled(): Promise<void>
  /** Waits for what is under way, ships what the spool holds, if the store answers, and closes sink and spool. */
  close(): Promise<void>
  /** Makes the row of a closed attempt; null when it was vetoed. For {@link AuditedCall}. */
  rowOf(attempt: Attempt, call: AuditedCall, ending: Ending): AuditRow | null
  /** Runs a handler in one transaction with the rows of its joined attempts. For {@link AuditedCall}. */
  join<Result>(call: AuditedCall, attempts: readonly Attempt[], handler: () => Promise<Result>): Promise<Result>
  /** Delivers and announces rows; never rejects. For {@link AuditedCall}. */
  deliver(rows: AuditRow[]): Promise<void>
  /** Reports a fault that harmed nobody: to the `fault` subscribers, else as a process warning. */
  report(code: AuditErrorCode, message: string, cause?: unknown): void
}

/**
 * Makes a trail. Everything is passed in; two trails share nothing.
 *
 * @throws AuditError `SINK_INVALID`, `SPOOL_INVALID`, `SETTING_INVALID`, `KEY_INVALID`, `POLICY_INVALID`, `POLICY_UNSUPPORTED`, `EVENT_NAME_INVALID`, `EVENT_UNKNOWN`
 * @example
 * const sink = memorySink()
 * const trail = createAuditTrail({ sink })
 */
export function createAuditTrail(options: AuditTrailOptions): AuditTrail {
  return new Trail(options)
}

const nobody = Object.freeze({ className: null, actor: null })

interface OpenedRecord {
  readonly call: AuditedCall
  readonly attempt: Attempt
}

class Trail implements AuditTrail {
  readonly signals: SignalBus = new SignalBus()
  readonly limiter: AuditLimiter | undefined
  readonly #options: AuditTrailOptions
  readonly #events: EventDefinitions
  readonly #rows: RowMaker
  readonly #steps: RowSteps
  readonly #envelopes: ContextEnvelopes
  readonly #policies: Policies
  readonly #delivery: RowDelivery
  readonly #joined: JoinedAttempts | undefined
  readonly #floods: FloodBudget | undefined
  readonly #losses: LossReport
  readonly #unwatch: (() => void) | undefined

  constructor(options: AuditTrailOptions) {
    assertTrailOptions(options)
    const { sink, spool, key, device, patience = 5000 } = options
    const metrics = options.metrics && guardedMetrics(options.metrics, (cause) => this.#metricsFailed(cause))
    this.#options = options
    this.limiter = options.limiter
    this.#events = new EventDefinitions(options.events)
    this.#policies = new Policies(options.policies ?? {}, { sink, spool }, (event) => this.knows(event))
    this.#envelopes = new ContextEnvelopes(derivedKeys(key)('envelope'))
    this.#rows = new RowMaker({
      definitionOf: (event) => this.#events.get(event),
      key,
      device,
      onFault: (step, cause) => this.#stepFailed(step, cause),
    })
    this.#steps = new RowSteps(options, (step, cause) => this.#stepFailed(step, cause))
    const record: AuditTrail['record'] = (event, details) => this.#delivery.outside(() => this.record(event, details))
    this.#losses = new LossReport({
      rowFor: (event, details) => this.#delivery.outside(() => this.rowFor(event, details)),
      write: (rows) => this.#delivery.write(rows),
      announce: (rows) => this.#delivery.announce(rows),
    })
    this.#delivery = new RowDelivery({
      sink,
      spool,
      policies: this.#policies,
      signals: this.signals,
      metrics,
      patience,
      onLost: (rows, cause) => this.#losses.note(rows, cause),
    })
    this.#joined = sink.transaction && this.#joining(sink.transaction)
    if (spool) this.#delivery.health.watch(recordDegradation(record))
    this.#unwatch = options.limiter?.watch?.(recordDegradation(record))
    metrics?.gauges(() => this.health)
    if (metrics) sink.onBatch?.((rows, seconds) => metrics.batch(rows, seconds))
    // Last: it has a timer, which a trail that is refused would leave running.
    this.#floods = options.floods && this.#flooding(options.floods)
  }

  get joins(): boolean {
    return this.#policies.joins
  }

  get health(): TrailHealth {
    const { sink, spool } = this.#options
    return {
      reachable: !this.#delivery.health.away,
      waiting: sink.waiting ?? 0,
      spooling: !this.#delivery.spoolFailing,
      spooledRows: spool?.size.rows ?? 0,
      spooledBytes: spool?.size.bytes ?? 0,
      collapsed: this.#floods?.collapsed ?? 0,
    }
  }

  get counts(): TrailCounts {
    return { recorded: this.#delivery.recorded, vetoed: this.#steps.vetoed, lost: this.#delivery.lost }
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
    const { call, attempt } = this.#opened(event, options)
    if (this.#joined?.isOpenFor(event)) await this.#joined.record(attempt, call)
    else await call.close({})
  }

  rowFor<Event extends EventName>(event: Event, options: RecordOptions<Event> = {}): AuditRow | null {
    const { call, attempt } = this.#opened(event, options)
    return this.rowOf(attempt, call, {})
  }

  announceStored(rows: readonly AuditRow[]): void {
    this.#delivery.announce(rows)
  }

  sealContext(options: SealOptions): string {
    return this.#envelopes.seal(this.#rows.sealable(currentFlow()?.call, currentContext()), options)
  }

  runSealed<Result>(envelope: string, purpose: string, run: () => Result): Result {
    assertRun(run)
    return runInContext(this.#envelopes.open(envelope, purpose), run, { trail: this })
  }

  rowOf(attempt: Attempt, call: AuditedCall, ending: Ending): AuditRow | null {
    return this.#steps.passed(this.#rows.make(attempt, call, ending))
  }

  deliver(rows: AuditRow[]): Promise<void> {
    return this.#delivery.deliver(this.#floods ? this.#floods.admit(rows) : rows)
  }

  join<Result>(call: AuditedCall, attempts: readonly Attempt[], handler: () => Promise<Result>): Promise<Result> {
    return this.#joined ? this.#joined.run(call, attempts, handler) : handler()
  }

  report(code: AuditErrorCode, message: string, cause?: unknown): void {
    this.#delivery.report(new AuditError(code, message, cause === undefined ? {} : { cause }))
  }

  settled(): Promise<void> {
    return this.#delivery.settled()
  }

  close(): Promise<void> {
    this.#unwatch?.()
    return this.#delivery.close([async () => this.#floods?.close(), () => this.#losses.stop()])
  }

  #opened<Event extends EventName>(event: Event, options: RecordOptions<Event>): OpenedRecord {
    assertEventName(event)
    assertOutcome(options.outcome)
    const call = new AuditedCall(this, currentContext(), nobody, null, currentFlow()?.call)
    const attempt = call.open(event)
    const { actor, onBehalfOf, subject, attempted, session, details, reason, outcome } = options
    attempt.actor = actor ? toActor(actor) : null
    attempt.onBehalfOf = onBehalfOf ? toActor(onBehalfOf) : null
    attempt.subject = subject ?? null
    attempt.attempted = attempted ?? null
    attempt.sessionId = session ?? null
    attempt.details = details ? { ...details } : null
    attempt.reason = reason ?? null
    attempt.outcome = outcome ?? null
    return { call, attempt }
  }

  #flooding(options: FloodOptions): FloodBudget {
    const { ledger } = this.#options.sink
    return new FloodBudget(options, {
      ...(ledger ? { ledger } : {}),
      deliver: (rows) => this.#delivery.deliver(rows),
      announce: (rows) => this.#delivery.announce(rows),
      report: (code, message, cause) => this.report(code, message, cause),
    })
  }

  #joining(transaction: SinkTransaction): JoinedAttempts {
    transaction.onEscape?.((error) => this.#delivery.report(error))
    return new JoinedAttempts({
      transaction,
      policies: this.#policies,
      isSilent: () => this.#delivery.health.silent,
      rowOf: (attempt, call, ending) => this.rowOf(attempt, call, ending),
      announce: (rows) => this.#delivery.announce(rows),
      deliver: (rows) => this.#delivery.deliver(rows),
    })
  }

  #metricsFailed(cause: unknown): void {
    const message =
      'The metrics failed, and what they say may be wrong from now on; the rows are safe. This is told once.'
    this.report('STEP_FAILED', message, cause)
  }

  #stepFailed(step: string, cause: unknown): void {
    this.report('STEP_FAILED', `${step} failed; the row is recorded without it.`, cause)
  }
}

import { inspect } from 'node:util'
import { AuditError } from './audit-error.js'
import { copiedLedger, copiedTransaction } from './copied-rows.js'
import type { FloodLedger } from './flood-ledger.js'
import { assertKnownOptions, type KnownOptions } from './known-options.js'
import { RecentIds } from './recent-ids.js'
import type { AuditRow } from './row.js'
import { isRowRefused } from './row-refusal.js'
import { type AuditSink, type BatchListener, isSink, type SinkTransaction } from './sink.js'
import { type CopyFailure, SinkCopy } from './sink-copy.js'
import { warn } from './warn.js'

/** Where the rows of a {@link fanOutSink} go. */
export interface FanOutOptions {
  /** A row counts as stored when all of these have it. */
  readonly sinks: readonly AuditSink[]
  /** These get the rows too; no attempt waits for them, or fails because they do. */
  readonly copies?: readonly AuditSink[]
  /** Told of rows that a copy has not got, or got late; without it the process warns. */
  readonly onCopyFailed?: (sink: AuditSink, rows: readonly AuditRow[], cause: unknown) => void
  /** Rows that may wait for one copy; more are dropped and reported (10,000). */
  readonly maxWaiting?: number
  /** Milliseconds that a copy may take for a write, and for closing, before it is reported (10,000). */
  readonly copyTimeout?: number
}

const known: KnownOptions<FanOutOptions> = {
  sinks: true,
  copies: true,
  onCopyFailed: true,
  maxWaiting: true,
  copyTimeout: true,
}

/**
 * One sink made of several. All `sinks` are tried, also when one fails; the write then rejects,
 * and the row goes to the spool or counts as lost although some have it. Writing it again is safe:
 * by its id it counts once. `copies` are for what is good to have. With a single sink among
 * `sinks`, its transactions and its flood ledger are those of the whole: rows reach the copies when
 * they are committed.
 *
 * @throws AuditError `SINK_INVALID`, `SETTING_INVALID`. A write rejects with what its one sink rejects with;
 *   of several with `ROW_REFUSED` where each that failed refuses the row, else with `SINK_FAILED`
 * @example
 * const trail = createAuditTrail({
 *   sink: fanOutSink({ sinks: [mikroOrmSink(orm)], copies: [jsonlSink({ path: 'audit.jsonl' })] }),
 * })
 */
export function fanOutSink(options: FanOutOptions): AuditSink {
  assertSinks(options?.sinks, options?.copies ?? [])
  assertKnownOptions('fanOutSink', options, known)
  return new FanOut(options)
}

class FanOut implements AuditSink {
  readonly name = 'fan-out'
  readonly #sinks: readonly AuditSink[]
  readonly #copies: readonly SinkCopy[]
  readonly #copied = new RecentIds()
  readonly #onCopyFailed: FanOutOptions['onCopyFailed']
  readonly transaction?: SinkTransaction
  readonly ledger?: FloodLedger
  #closed = false

  constructor({ sinks, copies, onCopyFailed, maxWaiting = 10_000, copyTimeout = 10_000 }: FanOutOptions) {
    assertBound('maxWaiting', maxWaiting)
    assertBound('copyTimeout', copyTimeout)
    assertOnCopyFailed(onCopyFailed)
    this.#sinks = [...sinks]
    this.#onCopyFailed = onCopyFailed
    this.#copies = (copies ?? []).map(
      (copy) => new SinkCopy(copy, { maxWaiting, timeout: copyTimeout, onFailed: (failure) => this.#report(failure) }),
    )
    const [only, ...others] = sinks
    if (!only || others.length > 0) return
    const copied = (rows: readonly AuditRow[]): void => this.#copy(rows)
    if (only.transaction) this.transaction = copiedTransaction(only.transaction, copied)
    if (only.ledger) this.ledger = copiedLedger(only.ledger, copied)
  }

  get waiting(): number {
    return this.#sinks.reduce((waiting, sink) => waiting + (sink.waiting ?? 0), 0)
  }

  onBatch(listener: BatchListener): void {
    for (const sink of this.#sinks) sink.onBatch?.(listener)
  }

  async write(rows: readonly AuditRow[]): Promise<void> {
    if (this.#closed) throw new AuditError('SINK_CLOSED', 'The sink is closed; close it last.')
    if (rows.length === 0) return
    const stored = this.#inAll('store the rows', async (sink) => sink.write(rows))
    this.#copy(rows)
    await stored
  }

  waitsForCaller(): boolean {
    let failure: { readonly cause: unknown } | undefined
    for (const sink of this.#sinks) {
      try {
        if (sink.waitsForCaller?.() === true) return true
      } catch (cause) {
        failure ??= { cause }
      }
    }
    if (failure) throw failure.cause
    return false
  }

  async close(): Promise<void> {
    this.#closed = true
    const copies = Promise.all(this.#copies.map((copy) => copy.close()))
    try {
      await this.#inAll('be closed', async (sink) => sink.close?.())
    } finally {
      await copies
    }
  }

  /** What is written again, because a sink could not store it, is no news to the copies. */
  #copy(rows: readonly AuditRow[]): void {
    if (this.#copies.length === 0) return
    const news = Object.freeze(this.#copied.unseen(rows))
    if (news.length === 0) return
    this.#copied.remember(news)
    for (const copy of this.#copies) copy.take(news)
  }

  async #inAll(what: string, run: (sink: AuditSink) => Promise<void>): Promise<void> {
    const results = await Promise.allSettled(this.#sinks.map(run))
    const failed = results.flatMap((result, index) =>
      result.status === 'rejected' ? [{ name: this.#sinks[index]?.name, reason: result.reason as unknown }] : [],
    )
    if (failed.length === 0) return
    const causes = failed.map(({ reason }) => reason)
    if (results.length === 1) throw causes[0]
    const names = failed.map(({ name }) => name).join(', ')
    const code = causes.every(isRowRefused) ? 'ROW_REFUSED' : 'SINK_FAILED'
    throw new AuditError(code, `${failed.length} of ${results.length} sinks could not ${what}: ${names}.`, {
      cause: causes.length === 1 ? causes[0] : new AggregateError(causes, names),
    })
  }

  #report({ sink, rows, cause, isNews }: CopyFailure): void {
    const failed = `The copy to ${sink.name} failed`
    if (!this.#onCopyFailed) {
      // A copy that is away is said once, not once for each attempt.
      if (isNews)
        warn(new AuditError('COPY_FAILED', `${failed}, and is not warned of again until it works.`, { cause }))
      return
    }
    const told = async (): Promise<void> => this.#onCopyFailed?.(sink, rows, cause)
    told().catch((fault) =>
      warn(new AuditError('COPY_FAILED', `${failed}, and so did onCopyFailed.`, { cause: fault })),
    )
  }
}

function assertSinks(sinks: unknown, copies: unknown): void {
  const isList = (list: unknown): list is AuditSink[] => Array.isArray(list) && list.every(isSink)
  if (isList(sinks) && sinks.length > 0 && isList(copies)) return
  throw new AuditError(
    'SINK_INVALID',
    `fanOutSink needs sinks, objects with write(rows), and was given ${inspect({ sinks, copies }, { depth: 1 })}. Write: fanOutSink({ sinks: [mikroOrmSink(orm)], copies: [memorySink()] })`,
  )
}

function assertOnCopyFailed(onCopyFailed: unknown): void {
  if (onCopyFailed === undefined || typeof onCopyFailed === 'function') return
  throw new AuditError('SETTING_INVALID', `onCopyFailed must be a function, and was ${inspect(onCopyFailed)}.`)
}

// What a timer takes, and more rows than a process holds.
const largest = 2_147_483_647

function assertBound(name: string, value: number): void {
  if (Number.isInteger(value) && value > 0 && value <= largest) return
  throw new AuditError('SETTING_INVALID', `${name} must be a whole number above 0, and was ${inspect(value)}.`)
}

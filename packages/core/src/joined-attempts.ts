import type { Attempt } from './attempt.js'
import { AuditError } from './audit-error.js'
import type { AuditedCall } from './audited-call.js'
import { type Ending, statusOf } from './classify.js'
import type { Policies } from './policy.js'
import type { AuditRow } from './row.js'
import type { SinkTransaction } from './sink.js'
import { Unrecordable } from './unrecordable.js'

/** What {@link JoinedAttempts} works with. */
export interface JoinedAttemptsParts {
  readonly transaction: SinkTransaction
  readonly policies: Policies
  /** Whether the store failed the last time that it was asked. */
  readonly isSilent: () => boolean
  readonly rowOf: (attempt: Attempt, call: AuditedCall, ending: Ending) => AuditRow | null
  /** Counts and announces what a transaction stored. */
  readonly announce: (rows: readonly AuditRow[]) => void
  readonly deliver: (rows: AuditRow[]) => Promise<void>
}

/** How far a joined handler came. */
interface Progress {
  begun: boolean
  thrown: { readonly error: unknown } | undefined
  /** What it returned, with a status that says that it failed. */
  refused: { readonly result: unknown } | undefined
  rows: AuditRow[]
}

/** Runs handlers in one transaction with the rows of their attempts, for events whose policy says `joined`. */
export class JoinedAttempts {
  readonly #parts: JoinedAttemptsParts

  constructor(parts: JoinedAttemptsParts) {
    this.#parts = parts
  }

  /**
   * Runs a handler. When it returns, its joined attempts have their rows, or it is undone and they
   * are open still, so that they leave a failure behind. What it returned or threw is passed on,
   * unless the transaction itself failed.
   *
   * @throws Unrecordable when the transaction could not begin or a row not be written; for `closed`
   * events also when it could not commit, and while the store is known to be away
   */
  run<Result>(call: AuditedCall, attempts: readonly Attempt[], handler: () => Promise<Result>): Promise<Result> {
    const { policies } = this.#parts
    const joined = attempts.filter(({ event, joining }) => !joining && policies.of(event).delivery === 'joined')
    if (joined.length === 0) return handler()
    const running = this.#runJoined(call, joined, handler)
    call.joinedBy(running)
    return running
  }

  async #runJoined<Result>(
    call: AuditedCall,
    joined: readonly Attempt[],
    handler: () => Promise<Result>,
  ): Promise<Result> {
    const { policies, transaction } = this.#parts
    const event = (joined[0] as Attempt).event
    for (const attempt of joined) attempt.joining = true
    const isClosed = joined.some(({ event }) => policies.of(event).unreachable === 'closed')
    if (isClosed && this.#parts.isSilent())
      throw new Unrecordable(event, new AuditError('STORE_UNREACHABLE', 'The store is away.'))
    const progress: Progress = { begun: false, thrown: undefined, refused: undefined, rows: [] }
    const isNested = transaction.isOpen()
    try {
      const result = await transaction.run(() => this.#handle(call, joined, handler, progress))
      this.#recorded(call, joined, progress.rows, isNested)
      return result
    } catch (error) {
      for (const attempt of joined) attempt.undone = true
      if (progress.refused) return progress.refused.result as Result
      const isOurs = !progress.begun || isClosed || error instanceof AuditError
      const failed = isOurs ? new Unrecordable(event, error) : error
      const failure = progress.thrown ? progress.thrown.error : failed
      for (const attempt of joined) attempt.error ??= failure
      throw failure
    }
  }

  /** True when a row of this event belongs into the transaction that is open. */
  isOpenFor(event: string): boolean {
    return this.#parts.policies.of(event).delivery === 'joined' && this.#parts.transaction.isOpen()
  }

  /**
   * Writes the row of an attempt into the transaction that is open: it stands or falls with it.
   *
   * @throws Unrecordable
   */
  async record(attempt: Attempt, call: AuditedCall): Promise<void> {
    const { transaction, rowOf, announce } = this.#parts
    const row = rowOf(attempt, call, {})
    if (!row) return
    const rows = Object.freeze([row])
    try {
      await transaction.write(rows)
    } catch (cause) {
      throw new Unrecordable(attempt.event, cause)
    }
    if (!transaction.onEnd) announce(rows)
    transaction.onEnd?.((committed) => {
      if (committed) announce(rows)
    })
  }

  async #handle<Result>(
    call: AuditedCall,
    joined: readonly Attempt[],
    handler: () => Promise<Result>,
    progress: Progress,
  ): Promise<Result> {
    progress.begun = true
    let result: Result
    try {
      result = await handler()
    } catch (error) {
      progress.thrown = { error }
      throw error
    }
    const status = call.statusSet?.() ?? statusOf(result)
    if (status !== null && status >= 400) {
      progress.refused = { result }
      throw new Error('A refusal is rolled back.')
    }
    const ending = { result, status }
    progress.rows = joined.flatMap((attempt) => this.#parts.rowOf(attempt, call, ending) ?? [])
    if (progress.rows.length > 0) await this.#parts.transaction.write(Object.freeze(progress.rows))
    return result
  }

  #recorded(call: AuditedCall, joined: readonly Attempt[], rows: AuditRow[], isNested: boolean): void {
    const { transaction, announce } = this.#parts
    for (const attempt of joined) attempt.recorded = true
    if (!isNested || !transaction.onEnd) {
      announce(rows)
      return
    }
    // Only a savepoint of somebody's transaction: it is not over yet.
    transaction.onEnd((committed) => {
      if (committed) announce(rows)
      else void this.#undone(call, joined)
    })
  }

  async #undone(call: AuditedCall, joined: readonly Attempt[]): Promise<void> {
    const { rowOf, deliver } = this.#parts
    const error = Object.assign(new Error('The transaction around it was rolled back.'), { reason: 'rolled_back' })
    for (const attempt of joined) {
      attempt.error = error
      attempt.undone = true
    }
    await deliver(joined.flatMap((attempt) => rowOf(attempt, call, {}) ?? []))
  }
}

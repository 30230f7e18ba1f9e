import { Attempt } from './attempt.js'
import { classify, type Ending } from './classify.js'
import type { AuditContext } from './context.js'
import type { EventName } from './events.js'
import type { Actor } from './identity.js'
import type { AuditRow } from './row.js'
import type { AuditTrail } from './trail.js'

/** Where the actor of a controller's calls comes from; null says anonymous, on purpose. */
export type ActorSource = (context: AuditContext) => Actor | null

/** Whose method is called. */
export interface CallOwner {
  readonly className: string | null
  readonly actor: ActorSource | null
}

const done: Promise<void> = Promise.resolve()

/**
 * One call of one audited action: the attempts it has open, and how they close. Whoever opens it
 * (an adapter before the body is read, else the outermost wrapper of the method) closes it.
 */
export class AuditedCall {
  readonly trail: AuditTrail
  readonly context: AuditContext
  readonly owner: CallOwner
  /** Null until it is known: a hand-written mixin does not say which of its methods runs. */
  methodName: string | null
  readonly parent: AuditedCall | undefined
  readonly attempts: Attempt[] = []
  /** The object whose method runs; set when the handler is reached. */
  self: object | undefined
  /** Finds the object whose `throttled` hook shapes a refusal before the handler is reached. */
  shaping: (() => object) | undefined
  /** The wrappers of the method that this call has passed through. */
  readonly entered: unknown[] = []
  /** True when the arguments were seen and the throttles asked: once, by the outermost wrapper. */
  begun = false
  /** True when an adapter opened it, before the handler: the adapter closes it too. */
  readonly held: boolean
  /** The status that the handler set by itself, where an adapter can tell: null when it set none. */
  statusSet: (() => number | null) | undefined
  /** What was thrown, by the handler or before it; for whoever closes the call. */
  error: unknown = undefined
  /** Why it was refused, where the layer that refused says so. */
  reason: string | null = null
  /** Run when the call closes, with whether it succeeded; the response waits for them. */
  readonly afterwards: Array<(succeeded: boolean) => Promise<void>> = []
  /** The rows of calls inside this one, which it delivers with its own. */
  #nested: Array<{ trail: AuditTrail; rows: AuditRow[] }> | undefined
  #closed = false
  #closing: Promise<void> | undefined
  #joined: Promise<void> | undefined

  constructor(
    trail: AuditTrail,
    context: AuditContext,
    owner: CallOwner,
    methodName: string | null,
    parent: AuditedCall | undefined,
    held = false,
  ) {
    this.trail = trail
    this.context = context
    this.owner = owner
    this.methodName = methodName
    this.parent = parent
    this.held = held
  }

  get closed(): boolean {
    return this.#closed
  }

  /** True while the handler runs in a transaction with its rows. */
  get joining(): boolean {
    return this.#joined !== undefined
  }

  /** True when that transaction was rolled back. */
  get undone(): boolean {
    return this.attempts.some(({ undone }) => undone)
  }

  /** Notes that the handler runs in a transaction with its rows: until it ends, nobody knows how the call does. */
  joinedBy(running: Promise<unknown>): void {
    const ended = (): void => {
      this.#joined = undefined
    }
    this.#joined ??= running.then(ended, ended)
  }

  open(event: EventName): Attempt {
    const attempt = new Attempt(event)
    this.attempts.push(attempt)
    return attempt
  }

  /** Runs the handler: in one transaction with the rows of the attempts whose policy says `joined`. */
  run<Result>(handler: () => Promise<Result>, attempts: readonly Attempt[] = this.attempts): Promise<Result> {
    return this.trail.joins ? this.trail.join(this, attempts, handler) : handler()
  }

  /**
   * Closes every attempt, once. A nested call hands its rows to the outermost one: the handler
   * around it may hold a transaction, and on a single connection waiting inside would not end.
   * While the handler's own transaction is open, that is waited for: it may still be rolled back.
   * Resolves when the rows are stored, or their loss is counted; never rejects.
   */
  close(ending: Ending): Promise<void> {
    if (this.#closed) return done
    if (this.#joined) this.#closing ??= this.#joined.then(() => this.#close(ending))
    return this.#closing ?? this.#close(ending)
  }

  #close(ending: Ending): Promise<void> {
    this.#closed = true
    return this.afterwards.length === 0 ? this.#finish(ending) : this.#finishAfterwards(ending)
  }

  async #finishAfterwards(ending: Ending): Promise<void> {
    await this.#runAfterwards(ending)
    await this.#finish(ending)
  }

  #finish(ending: Ending): Promise<void> {
    const rows: AuditRow[] = []
    for (const attempt of this.attempts) {
      if (attempt.recorded) continue
      const row = this.#rowOf(attempt, ending)
      if (row) rows.push(row)
    }
    const outermost = this.#outermostOpen()
    if (outermost) {
      outermost.#nested ??= []
      outermost.#nested.push({ trail: this.trail, rows })
      return done
    }
    if (this.#nested) return this.#deliverAll(rows, this.#nested)
    return rows.length === 0 ? done : this.trail.deliver(rows)
  }

  #rowOf(attempt: Attempt, ending: Ending): AuditRow | null {
    try {
      return this.trail.rowOf(attempt, this, ending)
    } catch (cause) {
      // Whatever a handler put into its attempt, its own result must not suffer.
      this.trail.report('ROW_LOST', `No row could be made of an attempt at '${attempt.event}'.`, cause)
      return null
    }
  }

  async #deliverAll(own: AuditRow[], nested: ReadonlyArray<{ trail: AuditTrail; rows: AuditRow[] }>): Promise<void> {
    const batches = new Map([[this.trail, own]])
    for (const { trail, rows } of nested) batches.set(trail, [...(batches.get(trail) ?? []), ...rows])
    for (const [trail, rows] of batches) if (rows.length > 0) await trail.deliver(rows)
  }

  async #runAfterwards(ending: Ending): Promise<void> {
    const [first = new Attempt('rate_limit')] = this.attempts
    const succeeded = classify(first, ending).outcome === 'success'
    for (const run of this.afterwards) {
      await run(succeeded).catch((cause) =>
        this.trail.report('STEP_FAILED', 'A step after an audited call failed; its row is not affected.', cause),
      )
    }
  }

  #outermostOpen(): AuditedCall | undefined {
    let outermost: AuditedCall | undefined
    for (let call = this.parent; call; call = call.parent) if (!call.#closed) outermost = call
    return outermost
  }
}

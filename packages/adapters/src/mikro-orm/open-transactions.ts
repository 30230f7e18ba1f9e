import { AuditError, warn } from '@countersign/core'
import type { EntityManager, EventSubscriber, MikroORM, Transaction, TransactionEventArgs } from '@mikro-orm/core'

/** A transaction or a savepoint as MikroORM hands it round: one object for each, of Kysely's. */
export interface TransactionHandle {
  readonly isCommitted: boolean
  readonly savepointName?: string
  executeQuery(query: object): Promise<{ rows: unknown[] }>
}

/** Told what became of what was done: committed with the outermost transaction, or undone. */
export type EndListener = (committed: boolean) => void

/** A transaction of the database, or a savepoint in it. */
export class OpenTransaction {
  readonly handle: TransactionHandle
  readonly #em: EntityManager
  readonly #parent: OpenTransaction | undefined
  /** The savepoints in it that are open. */
  readonly #nested = new Set<OpenTransaction>()
  #listeners: EndListener[] = []
  #ended = false

  constructor(handle: TransactionHandle, em: EntityManager, parent: OpenTransaction | undefined) {
    this.handle = handle
    this.#em = em
    this.#parent = parent
    if (parent) parent.#nested.add(this)
  }

  get outermost(): OpenTransaction {
    return this.#parent?.outermost ?? this
  }

  get ended(): boolean {
    return this.#ended || this.#parent?.ended === true
  }

  /** Whether somebody relies on how it ends. */
  get watched(): boolean {
    return this.#listeners.length > 0
  }

  /** Whether `propagation: REQUIRES_NEW` put it aside, which takes the handle from its entity manager. */
  get suspended(): boolean {
    const isAside = this.#em.getContext(false) === this.#em && !this.#em.isInTransaction()
    return isAside || [...this.#nested].some((nested) => nested.suspended)
  }

  onEnd(listener: EndListener): void {
    this.#listeners.push(listener)
  }

  /** What was done in a savepoint that is kept ends as the transaction around it does. */
  end(committed: boolean): void {
    if (this.#ended) return
    this.#ended = true
    if (this.#parent) this.#parent.#nested.delete(this)
    const listeners = this.#listeners
    this.#listeners = []
    if (committed && this.#parent) this.#parent.#listeners.push(...listeners)
    else tell(listeners, committed)
  }
}

/** What a listener throws must not reach the transaction: it may be committed already. */
export function tell<What>(listeners: ReadonlyArray<(what: What) => void>, what: What): void {
  for (const listener of listeners) {
    try {
      listener(what)
    } catch (cause) {
      warn(new AuditError('SUBSCRIBER_FAILED', 'A listener of a transaction failed.', { cause }))
    }
  }
}

/** Registers a subscriber for every entity manager, those with a fresh event manager included. */
export function subscribe(orm: MikroORM, subscriber: EventSubscriber): void {
  orm.em.getEventManager().registerSubscriber(subscriber)
  orm.config.set('subscribers', [...orm.config.get('subscribers'), subscriber])
}

/**
 * Follows the transactions of an orm by its events. MikroORM says what a savepoint is nested in
 * only when it starts, and nothing of a rollback that fails.
 */
export class OpenTransactions implements EventSubscriber {
  readonly #open = new WeakMap<object, OpenTransaction>()
  readonly #parents = new WeakMap<EntityManager, OpenTransaction>()
  readonly #onOutermost: (() => void) | undefined

  /** Calls `onOutermost` before each transaction that is nested in no other. */
  constructor(orm: MikroORM, onOutermost?: () => void) {
    this.#onOutermost = onOutermost
    subscribe(orm, this)
  }

  /** The transaction or savepoint that a handle stands for, while it is open. */
  of(handle: Transaction | undefined): OpenTransaction | undefined {
    const open = handle === undefined ? undefined : this.#open.get(handle)
    // What goes on after the end of a transaction that it was started in still finds it.
    return open?.ended ? undefined : open
  }

  beforeTransactionStart({ em, transaction }: TransactionEventArgs): void {
    const parent = this.of(transaction)
    if (parent) this.#parents.set(em, parent)
    else this.#parents.delete(em)
    if (transaction === undefined) this.#onOutermost?.()
  }

  afterTransactionStart({ em, transaction }: TransactionEventArgs): void {
    const handle = transaction as unknown as TransactionHandle
    const parent = handle.savepointName === undefined ? undefined : this.#parents.get(em)
    this.#open.set(handle, new OpenTransaction(handle, em, parent))
  }

  /** PostgreSQL answers the commit of an aborted transaction with a rollback, and no error. */
  async beforeTransactionCommit({ em, transaction }: TransactionEventArgs): Promise<void> {
    const handle = transaction as unknown as TransactionHandle
    if (handle.savepointName !== undefined || !this.of(handle)?.watched) return
    await em.getConnection('write').execute('select 1', [], 'run', handle)
  }

  afterTransactionCommit({ transaction }: TransactionEventArgs): void {
    if (transaction) this.#open.get(transaction)?.end(true)
  }

  beforeTransactionRollback({ transaction }: TransactionEventArgs): void {
    const handle = transaction as unknown as TransactionHandle
    // A subscriber that fails after the commit makes MikroORM try to roll back what is committed.
    this.#open.get(handle)?.end(handle.savepointName === undefined && handle.isCommitted)
  }
}

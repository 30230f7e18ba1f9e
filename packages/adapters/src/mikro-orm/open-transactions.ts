import { AuditError, warn } from '@countersign/core'
import type { EntityManager, EventSubscriber, MikroORM, Transaction, TransactionEventArgs } from '@mikro-orm/core'

/** A transaction or a savepoint as MikroORM hands it round: one object for each, of Kysely's. */
export interface TransactionHandle {
  readonly isCommitted: boolean
  readonly savepointName?: string
  executeQuery(query: object): Promise<{ rows: unknown[] }>
}

/** A transaction of the database, with what is nested in it. */
export class OutermostTransaction {
  /** What is open in it, itself first, and the entity manager of each. */
  readonly #managers = new Map<TransactionHandle, EntityManager>()
  readonly #listeners: Array<(committed: boolean) => void> = []
  #ended = false

  get ended(): boolean {
    return this.#ended
  }

  /** Whether somebody relies on how it ends. */
  get watched(): boolean {
    return this.#listeners.length > 0
  }

  /** Whether `propagation: REQUIRES_NEW` put it aside, which takes the handle from its entity manager. */
  get suspended(): boolean {
    return [...this.#managers.values()].some((em) => em.getContext(false) === em && !em.isInTransaction())
  }

  opened(handle: TransactionHandle, em: EntityManager): void {
    this.#managers.set(handle, em)
  }

  closed(handle: TransactionHandle): void {
    this.#managers.delete(handle)
  }

  onEnd(listener: (committed: boolean) => void): void {
    this.#listeners.push(listener)
  }

  end(committed: boolean): void {
    if (this.#ended) return
    this.#ended = true
    tell(this.#listeners.splice(0), committed)
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
 * Follows the transactions of an orm by its events. MikroORM tells of a savepoint only what it is
 * nested in when it starts, and nothing of a rollback that fails.
 */
export class OpenTransactions implements EventSubscriber {
  readonly #outermost = new WeakMap<object, OutermostTransaction>()
  readonly #starting = new WeakMap<EntityManager, object>()
  readonly #onOutermost: () => void

  constructor(orm: MikroORM, onOutermost: () => void) {
    this.#onOutermost = onOutermost
    subscribe(orm, this)
  }

  /** The outermost transaction around a transaction or savepoint. */
  around(handle: Transaction | undefined): OutermostTransaction | undefined {
    return handle === undefined ? undefined : this.#outermost.get(handle)
  }

  beforeTransactionStart({ em, transaction }: TransactionEventArgs): void {
    if (transaction === undefined) this.#onOutermost()
    else this.#starting.set(em, transaction)
  }

  afterTransactionStart({ em, transaction }: TransactionEventArgs): void {
    const handle = transaction as unknown as TransactionHandle
    const parent = handle.savepointName === undefined ? undefined : this.#starting.get(em)
    const outermost = this.around(parent) ?? new OutermostTransaction()
    outermost.opened(handle, em)
    this.#outermost.set(handle, outermost)
  }

  /** PostgreSQL answers the commit of an aborted transaction with a rollback, and no error. */
  async beforeTransactionCommit({ em, transaction }: TransactionEventArgs): Promise<void> {
    const handle = transaction as unknown as TransactionHandle
    if (handle.savepointName !== undefined || !this.around(handle)?.watched) return
    await em.getConnection('write').execute('select 1', [], 'run', handle)
  }

  afterTransactionCommit({ transaction }: TransactionEventArgs): void {
    this.#close(transaction as unknown as TransactionHandle, true)
  }

  beforeTransactionRollback({ transaction }: TransactionEventArgs): void {
    const handle = transaction as unknown as TransactionHandle
    // A subscriber that fails after the commit makes MikroORM try to roll back what is committed.
    this.#close(handle, handle.savepointName === undefined && handle.isCommitted)
  }

  #close(handle: TransactionHandle, committed: boolean): void {
    const outermost = this.#outermost.get(handle)
    outermost?.closed(handle)
    if (handle.savepointName === undefined) outermost?.end(committed)
  }
}

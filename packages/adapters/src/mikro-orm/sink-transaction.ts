import { AsyncLocalStorage } from 'node:async_hooks'
import { AuditError, type AuditRow, type SinkTransaction } from '@countersign/core'
import type { MikroORM } from '@mikro-orm/core'
import { giveBackDeadConnections } from './dead-connections.js'
import { JoinedInsertion } from './joined-insertion.js'
import { type EndListener, type OpenTransaction, OpenTransactions, tell } from './open-transactions.js'
import { isEmbedded } from './sql-client.js'

/**
 * The transactions of an orm, for rows to share: `run` is `orm.em.transactional`, so that whatever
 * goes through the ambient entity manager is part of it, and a transaction of the handler's own a
 * savepoint in it. {@link mikroOrmSink} has one.
 *
 * @example
 * const transaction = sinkTransaction(orm)
 * await transaction.run(async () => {
 *   await invoices.close({ id: '7' })
 *   await transaction.write([row])
 * })
 */
export function sinkTransaction(orm: MikroORM): Required<SinkTransaction> {
  return new JoinedTransaction(orm)
}

class JoinedTransaction implements Required<SinkTransaction> {
  readonly #orm: MikroORM
  readonly #open: OpenTransactions
  readonly #insertion = new JoinedInsertion()
  /** The transaction that `run` holds, for what is called inside. */
  readonly #held = new AsyncLocalStorage<OpenTransaction | undefined>()
  readonly #listeners: Array<(error: AuditError) => void> = []
  #lookedAfter: Promise<void> | undefined

  constructor(orm: MikroORM) {
    this.#orm = orm
    this.#open = new OpenTransactions(orm, () => this.#outermostStarts())
  }

  isOpen(): boolean {
    return this.#ambient() !== undefined
  }

  async run<Result>(run: () => Promise<Result>): Promise<Result> {
    // A pool that is not MikroORM's own is somebody else's to look after.
    if (!isEmbedded(this.#orm)) this.#lookedAfter ??= giveBackDeadConnections(this.#orm).catch(() => undefined)
    await this.#lookedAfter
    return await this.#orm.em.transactional(() => this.#held.run(this.#ambient()?.outermost, run))
  }

  async write(rows: readonly AuditRow[]): Promise<void> {
    const transaction = this.#required('written')
    // What the handler left in the unit of work may fail; its success row must not stand beside that.
    await this.#orm.em.flush()
    await this.#insertion.insert(transaction, rows)
  }

  onEnd(listener: EndListener): void {
    this.#required('followed').onEnd(listener)
  }

  onEscape(listener: (error: AuditError) => void): void {
    this.#listeners.push(listener)
  }

  #ambient(): OpenTransaction | undefined {
    return this.#open.of(this.#orm.em.getTransactionContext())
  }

  #required(done: string): OpenTransaction {
    const transaction = this.#ambient()
    if (transaction !== undefined) return transaction
    throw new AuditError(
      'SETTING_INVALID',
      `No transaction of this orm is open here, so nothing can be ${done} in one. Write: transaction.run(async () => { … })`,
    )
  }

  #outermostStarts(): void {
    const held = this.#held.getStore()
    if (held === undefined || held.ended) return
    const embedded = isEmbedded(this.#orm)
    // Somebody who writes REQUIRES_NEW wants a transaction that stands for itself.
    if (held.suspended && !embedded) return
    const error = escaped(embedded)
    tell(this.#listeners, error)
    if (embedded) throw error
  }
}

function escaped(embedded: boolean): AuditError {
  const what = embedded
    ? 'A handler whose row is joined began a transaction of its own, beside the one around it. PGlite has one connection, so the two would wait for each other for ever: it was refused.'
    : 'A handler whose row is joined began a transaction of its own, beside the one around it: what it changes there is not undone with the rest.'
  return new AuditError(
    'TRANSACTION_ESCAPED',
    `${what} Use the ambient entity manager (orm.em), or write: em.fork({ keepTransactionContext: true })`,
  )
}

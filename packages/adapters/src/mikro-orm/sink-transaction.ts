import { AsyncLocalStorage } from 'node:async_hooks'
import { AuditError, type AuditRow, type SinkTransaction, timeOfRowId } from '@countersign/core'
import type { MikroORM } from '@mikro-orm/core'
import { OpenTransactions, type OutermostTransaction, type TransactionHandle, tell } from './open-transactions.js'
import { encodeRows, insertRows } from './row-columns.js'
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
  readonly #held = new AsyncLocalStorage<OutermostTransaction | undefined>()
  readonly #listeners: Array<(error: AuditError) => void> = []

  constructor(orm: MikroORM) {
    this.#orm = orm
    this.#open = new OpenTransactions(orm, () => this.#outermostStarts())
  }

  isOpen(): boolean {
    return this.#ambient() !== undefined
  }

  async run<Result>(run: () => Promise<Result>): Promise<Result> {
    return await this.#orm.em.transactional(() => this.#held.run(this.#ambient(), run))
  }

  async write(rows: readonly AuditRow[]): Promise<void> {
    const outermost = this.#required('written')
    // What the handler left in the unit of work may fail; its success row must not stand beside that.
    await this.#orm.em.flush()
    const handle = this.#orm.em.getTransactionContext() as unknown as TransactionHandle
    await this.#insertion.insert(handle, outermost, rows)
  }

  onEnd(listener: (committed: boolean) => void): void {
    this.#required('followed').onEnd(listener)
  }

  onEscape(listener: (error: AuditError) => void): void {
    this.#listeners.push(listener)
  }

  #ambient(): OutermostTransaction | undefined {
    const outermost = this.#open.around(this.#orm.em.getTransactionContext())
    // What goes on after the end of a transaction that it was started in still finds it.
    return outermost?.ended ? undefined : outermost
  }

  #required(done: string): OutermostTransaction {
    const outermost = this.#ambient()
    if (outermost !== undefined) return outermost
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

/** Inserts rows in a transaction of somebody else's, without aborting it where a partition is missing. */
export class JoinedInsertion {
  /** Months whose partitions a committed transaction saw. */
  readonly #months = new Set<string>()

  async insert(handle: TransactionHandle, outermost: OutermostTransaction, rows: readonly AuditRow[]): Promise<void> {
    if (rows.length === 0) return
    const missing = new Set(rows.map(monthOf).filter((month) => !this.#months.has(month)))
    for (const month of missing) await query(handle, 'select audit_ensure_partition($1::timestamptz)', month)
    try {
      await query(handle, insertRows, encodeRows(rows))
    } catch (cause) {
      // A partition may have been taken away; the next transaction looks again.
      this.#months.clear()
      throw new AuditError('SINK_FAILED', 'The rows could not be written in the transaction that is open.', { cause })
    }
    outermost.onEnd((committed) => {
      if (committed) for (const month of missing) this.#months.add(month)
    })
  }
}

/** By the id, which is what the table is partitioned by. */
function monthOf({ id }: AuditRow): string {
  return `${new Date(timeOfRowId(id)).toISOString().slice(0, 7)}-01T00:00:00Z`
}

/**
 * MikroORM writes values into the text of a statement, where the server's log and its list of
 * running statements show them. So this is Kysely's own form of a statement, with a parameter.
 */
async function query(handle: TransactionHandle, sql: string, parameter: string): Promise<void> {
  const node = { kind: 'RawNode', sqlFragments: [sql], parameters: [] }
  await handle.executeQuery({ sql, parameters: [parameter], query: node, queryId: { queryId: 'countersign' } })
}

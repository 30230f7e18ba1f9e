import { AuditError, type AuditSink, GroupCommit } from '@countersign/core'
import type { MikroORM } from '@mikro-orm/core'
import { floodLedger } from './flood-ledger.js'
import { RowWriter } from './row-writer.js'
import { sinkTransaction } from './sink-transaction.js'
import { copyClient, isEmbedded } from './sql-client.js'

/** How a {@link mikroOrmSink} writes. */
export interface MikroOrmSinkOptions {
  /** Connections of its own on PostgreSQL, and so writes under way at the same time (2). */
  readonly connections?: number
  /** Rows in one write, at most (1,000). */
  readonly maxBatch?: number
  /**
   * Rows that may wait for the database (100,000). A call that would make them more is refused at
   * once with `SINK_OVERLOADED`, and none of its rows is written.
   */
  readonly maxQueue?: number
}

/**
 * Writes rows to `audit_event`, on connections of its own: a rolled-back handler takes no row
 * with it. Concurrent attempts share a write; a lone one does not wait for company. What fails may
 * be written again, also where nobody knows whether it arrived: a row that is there is left alone.
 * The store must have been migrated: see `auditStoreMigrations`.
 *
 * @example
 * const trail = createAuditTrail({ sink: mikroOrmSink(orm) })
 */
export function mikroOrmSink(orm: MikroORM, options: MikroOrmSinkOptions = {}): AuditSink {
  const embedded = isEmbedded(orm)
  const connections = embedded ? 1 : (options.connections ?? 2)
  const client = copyClient(orm, connections)
  const writer = new RowWriter(client)
  const transaction = sinkTransaction(orm)
  const commits = new GroupCommit((rows) => writer.write(rows), {
    inFlight: connections,
    maxBatch: options.maxBatch ?? 1000,
    maxQueue: options.maxQueue ?? 100_000,
    isRowFault: (cause) => cause instanceof AuditError && cause.code === 'ROW_REFUSED',
  })
  return {
    name: 'mikro-orm',
    write: (rows) => commits.add(rows),
    get waiting() {
      return commits.waiting
    },
    onBatch: (listener) => commits.onBatch(listener),
    transaction,
    ledger: floodLedger(client),
    waitsForCaller: () => embedded && transaction.isOpen(),
    async close() {
      await commits.close()
      await client.close()
    },
  }
}

import { type AuditRow, type AuditSink, GroupCommit, timeOfRowId } from '@countersign/core'
import type { MikroORM } from '@mikro-orm/core'
import { encodeRows, insertRows } from './row-columns.js'
import { sinkTransaction } from './sink-transaction.js'
import { isEmbedded, type SqlClient, sqlClient } from './sql-client.js'

/** How a {@link mikroOrmSink} writes. */
export interface MikroOrmSinkOptions {
  /**
   * Connections of its own on PostgreSQL, and so statements under way at the same time (1). More
   * make smaller batches: worth it for a server that is far away.
   */
  readonly connections?: number
  /** Rows in one statement, at most (1,000). */
  readonly maxBatch?: number
  /** Rows that may wait for the database; more are refused, and so counted and signalled as lost (100,000). */
  readonly maxQueue?: number
}

/**
 * Writes rows to `audit_event`, on connections of its own: a rolled-back handler takes no row
 * with it. Concurrent attempts share a statement; a lone one does not wait for company.
 * The store must have been migrated: see `auditStoreMigrations`.
 *
 * @example
 * const trail = createAuditTrail({ sink: mikroOrmSink(orm) })
 */
export function mikroOrmSink(orm: MikroORM, options: MikroOrmSinkOptions = {}): AuditSink {
  const connections = options.connections ?? 1
  const client = sqlClient(orm, connections)
  const embedded = isEmbedded(orm)
  const partitions = new Partitions(client)
  const commits = new GroupCommit((rows) => write(client, partitions, rows), {
    inFlight: connections,
    maxBatch: options.maxBatch ?? 1000,
    maxQueue: options.maxQueue ?? 100_000,
    isRowFault,
  })
  return {
    name: 'mikro-orm',
    write: (rows) => commits.add(rows),
    transaction: sinkTransaction(orm),
    waitsForCaller: () => embedded && orm.em.isInTransaction(),
    async close() {
      await commits.close()
      await client.close()
    },
  }
}

async function write(client: SqlClient, partitions: Partitions, rows: readonly AuditRow[]): Promise<void> {
  await partitions.ensureAhead()
  const parameter = encodeRows(rows)
  try {
    await client.query(insertRows, [parameter], 'countersign-insert')
  } catch (cause) {
    if (!isMissingPartition(cause)) throw cause
    await partitions.ensureFor(rows)
    await client.query(insertRows, [parameter], 'countersign-insert')
  }
}

const day = 86_400_000

/** Keeps a partition ready for what comes; a replay may need one for what was. */
class Partitions {
  readonly #client: SqlClient
  #ensuredAt = 0

  constructor(client: SqlClient) {
    this.#client = client
  }

  async ensureAhead(): Promise<void> {
    const now = Date.now()
    if (now - this.#ensuredAt < day) return
    this.#ensuredAt = now
    // Ahead of need: a role that may not, or a lock in the way, must not cost the row that asks.
    await this.#client.query('select audit_ensure_partitions()', []).catch(() => undefined)
  }

  async ensureFor(rows: readonly AuditRow[]): Promise<void> {
    // By the id, which is what the table is partitioned by: a clock that was set back leaves it ahead.
    const months = new Set(rows.map(({ id }) => `${new Date(timeOfRowId(id)).toISOString().slice(0, 7)}-01T00:00:00Z`))
    for (const month of months) await this.#client.query('select audit_ensure_partition($1::timestamptz)', [month])
  }
}

function sqlState(cause: unknown): string {
  const { code } = (cause ?? {}) as { code?: unknown }
  return typeof code === 'string' ? code : ''
}

/** A row without a partition breaks a check constraint, like a row that breaks a rule: making one tells which. */
function isMissingPartition(cause: unknown): boolean {
  return sqlState(cause) === '23514'
}

/** Data exceptions (22) and constraint violations (23) are a row's own; anything else is the store's. */
function isRowFault(cause: unknown): boolean {
  return /^2[23]/.test(sqlState(cause))
}

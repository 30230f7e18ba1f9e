import { type AuditRow, timeOfRowId } from '@countersign/core'
import type { SqlClient } from './sql-client.js'

const day = 86_400_000

/** Keeps a partition ready for what comes; a replay may need one for what was. */
export class Partitions {
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

  async ensureFor(rows: ReadonlyArray<Pick<AuditRow, 'id'>>): Promise<void> {
    // By the id, which is what the table is partitioned by: a clock that was set back leaves it ahead.
    const months = new Set(rows.map(({ id }) => `${new Date(timeOfRowId(id)).toISOString().slice(0, 7)}-01T00:00:00Z`))
    for (const month of months) await this.#client.query('select audit_ensure_partition($1::timestamptz)', [month])
  }
}

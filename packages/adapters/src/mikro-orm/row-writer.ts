import { AuditError, type AuditRow } from '@countersign/core'
import { Partitions } from './partitions.js'
import { copyText, encodeRows, filledColumns, insertRows } from './row-columns.js'
import type { CopyClient } from './sql-client.js'
import { isMissingPartition, isRefusal, isRowFault } from './sql-state.js'

/** Writes rows to `audit_event`, all or none of those that it is given at once. */
export class RowWriter {
  readonly #client: CopyClient
  readonly #partitions: Partitions

  constructor(client: CopyClient) {
    this.#client = client
    this.#partitions = new Partitions(client)
  }

  /** @throws AuditError `ROW_REFUSED` where one of the rows is at fault; else what the database or its driver says */
  async write(rows: readonly AuditRow[]): Promise<void> {
    await this.#partitions.ensureAhead()
    try {
      await this.#client.copy(filledColumns, encoded(rows, copyText))
    } catch (cause) {
      if (!isRefusal(cause)) throw cause
      // Nothing of it is stored: perhaps one was there already, which a copy does not forgive.
      await this.#insert(rows)
    }
  }

  async #insert(rows: readonly AuditRow[]): Promise<void> {
    const parameter = encoded(rows, encodeRows)
    const insert = (): Promise<unknown> => this.#client.query(insertRows, [parameter], 'countersign-insert')
    try {
      await insert().catch(async (cause) => {
        if (!isMissingPartition(cause)) throw cause
        await this.#partitions.ensureFor(rows)
        await insert()
      })
    } catch (cause) {
      throw isRowFault(cause) && !isMissingPartition(cause) ? refused(cause) : cause
    }
  }
}

/** Rows as text. A trail makes none that has no text; whoever calls the sink by hand may. */
function encoded(rows: readonly AuditRow[], encode: (rows: readonly AuditRow[]) => string): string {
  try {
    return encode(rows)
  } catch (cause) {
    throw refused(cause)
  }
}

function refused(cause: unknown): AuditError {
  const message = `The database refuses a row for what is in it: ${(cause as Error).message}`
  return new AuditError('ROW_REFUSED', message, { cause })
}

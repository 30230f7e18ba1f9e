import { open } from 'node:fs/promises'
import { AuditError, type AuditRow, rowFromJson, warn } from '@countersign/core'

/** A line that is no row. */
export interface UnreadableLine {
  /** Counted from 1. */
  readonly line: number
  readonly error: AuditError
}

/** How {@link jsonlRows} reads. */
export interface JsonlRowsOptions {
  /** Told of lines that are no row, as a crash in the middle of a write leaves one; else the process warns. */
  readonly onUnreadable?: (unreadable: UnreadableLine) => void
}

/**
 * Reads the rows of a JSONL file back, in its order. A line that is no row is skipped and reported.
 * A row that was written twice comes twice.
 *
 * @example
 * for await (const row of jsonlRows('audit.jsonl')) console.log(row.event, row.outcome)
 */
export async function* jsonlRows(path: string, options: JsonlRowsOptions = {}): AsyncGenerator<AuditRow, void, void> {
  const { onUnreadable = ({ error }) => warn(error) } = options
  const file = await open(path)
  let line = 0
  try {
    for await (const text of file.readLines()) {
      line++
      const row = text === '' ? null : rowOf(text, path, line)
      if (row instanceof AuditError) onUnreadable({ line, error: row })
      else if (row) yield row
    }
  } finally {
    await file.close()
  }
}

function rowOf(text: string, path: string, line: number): AuditRow | AuditError {
  try {
    return rowFromJson(JSON.parse(text))
  } catch (cause) {
    return new AuditError('ROW_INVALID', `Line ${line} of ${path} is no audit row, and is skipped.`, { cause })
  }
}

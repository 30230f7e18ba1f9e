import { AuditError } from '../audit-error.js'
import { escapeUnsafe } from '../clean-text.js'
import { redactText } from '../redact.js'
import type { AuditRow } from '../row.js'
import { rowToLine } from '../row-json.js'
import type { Damage } from './segment.js'

/** What is reported of damage; `kept` is where a copy lies. */
export function damageFault({ path, offset, length, kind }: Damage, kept: string): AuditError {
  const where = `${path}, ${length} bytes at offset ${offset}`
  const message = {
    torn: `The last record of a spool's file is torn: ${where}. It was never acknowledged, and is skipped.`,
    damaged: `A record of a spool is damaged, and is skipped: ${where}. A copy of it lies in ${kept}.`,
    gone: `A part of a spool's file was removed, and the rows in it: ${where}. Let nothing else write there.`,
  }[kind]
  return new AuditError('SPOOL_DAMAGED', message)
}

/** What is reported of something that no spool put there. */
export function foreignFault(path: string): AuditError {
  const message = `${path} is a link, a pipe or something else that no spool makes. It was not opened; find out who put it there, and remove it.`
  return new AuditError('SPOOL_DAMAGED', message)
}

/** The line that is kept of a row which the store refuses. */
export function refusedLine(row: AuditRow, cause: unknown): string {
  return `{"row":${rowToLine(row)},"error":${escapeUnsafe(JSON.stringify(errorOf(cause, 4)))}}`
}

interface ErrorJson {
  readonly code: string | null
  readonly message: string
  readonly cause?: ErrorJson
}

/** Drivers quote what they were sent. */
function errorOf(error: unknown, depth: number): ErrorJson {
  if (!(error instanceof Error)) return { code: null, message: redactText(String(error), 500) }
  const { code, message, cause } = error as NodeJS.ErrnoException
  const said = { code: typeof code === 'string' ? redactText(code, 64) : null, message: redactText(message, 500) }
  return cause === undefined || depth === 1 ? said : { ...said, cause: errorOf(cause, depth - 1) }
}

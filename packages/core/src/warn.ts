import type { AuditError } from './audit-error.js'
import { redactText } from './redact.js'

/** Says as a process warning what nobody subscribed to hear, with a cause that is safe to print. */
export function warn({ message, code, cause }: AuditError): void {
  process.emitWarning(cause instanceof Error ? `${message} (${reasonOf(cause)})` : message, { code })
}

/** Drivers quote what they were sent: it goes to a terminal, and must not reach it as it came. */
function reasonOf(cause: Error): string {
  try {
    return redactText(String(cause.message), 500)
  } catch {
    return 'for a reason that can not be read'
  }
}

import { AuditError } from './audit-error.js'

/**
 * A refusal because the row of the attempt could not be written, and the policy of its event says
 * that then nothing of it may remain. Frameworks that look for `httpCode` answer 503 with it.
 */
export class Unrecordable extends AuditError {
  readonly httpCode = 503
  readonly reason = 'unavailable'

  constructor(event: string, cause: unknown) {
    super('UNRECORDABLE', `An attempt at '${event}' was refused: its row could not be written.`, { cause })
  }
}

import type { AuditReader, AuditTrail } from '@countersign/core'
import type { Accounts } from './accounts.js'
import type { PasswordResets } from './password-resets.js'
import type { SessionCookies } from './session-cookies.js'
import type { Sessions } from './sessions.js'

/** What the controllers call. */
export interface AuthServices {
  readonly accounts: Accounts
  readonly sessions: Sessions
  readonly passwordResets: PasswordResets
  readonly cookies: SessionCookies
  readonly trail: AuditTrail
  readonly reader: AuditReader
}

import type { AuditReader, AuditTrail } from '@countersign/core'
import type { Accounts } from './accounts.js'
import type { AuditWork } from './audit-work.js'
import type { PasswordChanges } from './password-changes.js'
import type { PasswordResets } from './password-resets.js'
import type { SessionCookies } from './session-cookies.js'
import type { Sessions } from './sessions.js'
import type { VerificationMails } from './verification-mails.js'

/** What the controllers call. */
export interface AuthServices {
  readonly accounts: Accounts
  readonly sessions: Sessions
  readonly verificationMails: VerificationMails
  readonly passwordResets: PasswordResets
  readonly passwordChanges: PasswordChanges
  readonly cookies: SessionCookies
  readonly trail: AuditTrail
  readonly reader: AuditReader
  readonly audit: Pick<AuditWork, 'log' | 'operations' | 'requests'>
}

import type { AuditReader, AuditTrail } from '@countersign/core'
import type { MikroORM } from '@mikro-orm/core'
import type { Accounts } from './accounts/accounts.js'
import type { EmailChanges } from './accounts/email-changes.js'
import type { VerificationMails } from './accounts/verification-mails.js'
import type { UserAdministration } from './admin/user-administration.js'
import type { UserDirectory } from './admin/user-directory.js'
import type { AuditWork } from './audit/audit-work.js'
import type { KnownDevices } from './limits/known-devices.js'
import type { Lockouts } from './limits/lockouts.js'
import type { Mails } from './mails/mails.js'
import type { BreachedPasswords } from './passwords/breached-passwords.js'
import type { PasswordChanges } from './passwords/password-changes.js'
import type { PasswordResets } from './passwords/password-resets.js'
import type { Profiles } from './profiles/profiles.js'
import type { CsrfTokens } from './sessions/csrf-tokens.js'
import type { RequestGuard } from './sessions/request-guard.js'
import type { SessionCookies } from './sessions/session-cookies.js'
import type { SessionList } from './sessions/session-list.js'
import type { Sessions } from './sessions/sessions.js'
import type { SigningKeys } from './sessions/signing-keys.js'
import type { Sweeper } from './store/sweeper.js'
import type { TwoFactorRoom } from './two-factor/assemble-two-factor.js'

/** What the controllers call. */
export interface AuthServices extends TwoFactorRoom {
  readonly accounts: Accounts
  readonly sessions: Sessions
  readonly verificationMails: VerificationMails
  readonly passwordResets: PasswordResets
  readonly passwordChanges: PasswordChanges
  readonly breachedPasswords: BreachedPasswords
  readonly emailChanges: EmailChanges
  readonly profiles: Profiles
  readonly userDirectory: UserDirectory
  readonly userAdministration: UserAdministration
  readonly mails: Mails
  readonly cookies: SessionCookies
  readonly guard: RequestGuard
  readonly csrfTokens: CsrfTokens
  readonly signingKeys: SigningKeys
  readonly sessionList: SessionList
  readonly sweeper: Sweeper
  readonly lockouts: Lockouts
  readonly devices: KnownDevices
  /** The database, for what a host keeps in it. */
  readonly orm: MikroORM
  readonly trail: AuditTrail
  readonly reader: AuditReader
  readonly audit: Pick<AuditWork, 'log' | 'operations' | 'requests'>
}

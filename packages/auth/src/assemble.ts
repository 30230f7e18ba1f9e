import type { AuditTrail } from '@countersign/core'
import type { Secrets } from '@countersign/core/keys'
import { AccountLookup } from './accounts/account-lookup.js'
import { Accounts } from './accounts/accounts.js'
import { EmailChanges } from './accounts/email-changes.js'
import { VerificationMails } from './accounts/verification-mails.js'
import { AdminLinks } from './admin/admin-links.js'
import { UserAdministration } from './admin/user-administration.js'
import { UserDirectory } from './admin/user-directory.js'
import type { AuthServices } from './auth-services.js'
import type { AuthSettings } from './auth-settings.js'
import { replacing } from './extending/service-replacements.js'
import { KnownDevices } from './limits/known-devices.js'
import { lockoutRules } from './limits/lockout-rules.js'
import { Lockouts } from './limits/lockouts.js'
import { Mails } from './mails/mails.js'
import { assemblePasswords } from './passwords/assemble-passwords.js'
import { PasswordChanges } from './passwords/password-changes.js'
import { PasswordProof } from './passwords/password-proof.js'
import { PasswordReplacement } from './passwords/password-replacement.js'
import { PasswordResets } from './passwords/password-resets.js'
import { Profiles } from './profiles/profiles.js'
import { assembleSessions } from './sessions/assemble-sessions.js'
import type { Database } from './store/database.js'
import { databaseState } from './store/database-state.js'
import { OneTimeTokens } from './store/one-time-tokens.js'
import { redisState } from './store/redis-state.js'
import { assembleTwoFactor } from './two-factor/assemble-two-factor.js'

/** What the services are made of, besides the settings. */
export interface Foundations {
  readonly secrets: Secrets
  readonly database: Database
  readonly trail: AuditTrail
}

/** Makes the services, each of those it works with. */
export function assemble(
  settings: AuthSettings,
  { secrets, database: { orm, statements }, trail }: Foundations,
): Omit<AuthServices, 'trail' | 'reader' | 'audit' | 'sweeper'> {
  const tokens = new OneTimeTokens(secrets, settings.linkLifetimes)
  const replaced = replacing(settings.services, { orm, secrets })
  const { passwords, breachedPasswords } = assemblePasswords(settings, { trail, replaced })
  const mails = replaced('mails', new Mails(settings.publicUrl))
  const sessionParts = assembleSessions(settings, { secrets, orm, statements, mails, replaced })
  const { sessions } = sessionParts
  const verificationMails = replaced('verificationMails', new VerificationMails({ orm, tokens, mails }))
  const replacement = new PasswordReplacement({ sessions, tokens, mails })
  const { publicUrl, usernames = false } = settings
  const adminLinks = new AdminLinks({ orm, secrets, publicUrl, tokens, replacement })
  const lockouts = replaced(
    'lockouts',
    new Lockouts({ orm, statements, secrets, mails, trail, rules: lockoutRules(settings.lockouts) }),
  )
  const lookup = new AccountLookup(statements, usernames)
  const isClosed = settings.registration === 'closed'
  const accounts = new Accounts({
    ...{ orm, lookup, passwords, tokens, mails, verificationMails, lockouts, usernames, isClosed },
  })
  const proof = new PasswordProof({ orm, passwords, lockouts })
  const state = settings.redis ? redisState(settings.redis) : databaseState(orm)
  const twoFactor = assembleTwoFactor(settings, { secrets, orm, mails, sessions, tokens, proof, state, replaced })
  return {
    accounts: replaced('accounts', accounts),
    orm,
    mails,
    breachedPasswords,
    ...sessionParts,
    ...twoFactor,
    verificationMails,
    passwordResets: replaced(
      'passwordResets',
      new PasswordResets({ orm, passwords, tokens, mails, replacement, adminLinks, lockouts }),
    ),
    passwordChanges: replaced('passwordChanges', new PasswordChanges({ orm, passwords, replacement, proof })),
    emailChanges: replaced(
      'emailChanges',
      new EmailChanges({ orm, proof, tokens, mails, sessions, factors: twoFactor.factors }),
    ),
    profiles: replaced('profiles', new Profiles({ orm, consentVersion: settings.consentVersion ?? '1' })),
    userDirectory: replaced('userDirectory', new UserDirectory(orm)),
    userAdministration: replaced('userAdministration', new UserAdministration({ orm, sessions, tokens, mails })),
    lockouts,
    devices: replaced('devices', new KnownDevices(secrets, settings)),
  }
}

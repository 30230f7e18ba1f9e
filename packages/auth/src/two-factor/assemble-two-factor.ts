import type { Secrets } from '@countersign/core/keys'
import type { MikroORM } from '@mikro-orm/core'
import type { AuthSettings } from '../auth-settings.js'
import type { Replacing } from '../extending/service-replacements.js'
import type { Mails } from '../mails/mails.js'
import type { PasswordProof } from '../passwords/password-proof.js'
import { cookieRules } from '../sessions/session-cookies.js'
import type { Sessions } from '../sessions/sessions.js'
import type { OneTimeTokens } from '../store/one-time-tokens.js'
import { Sealing } from '../store/sealing.js'
import type { ShortLivedState } from '../store/short-lived-state.js'
import { HostCookie } from '../web/host-cookies.js'
import { BackupCodes } from './backup-codes.js'
import { CodeBudget } from './code-budget.js'
import { Logins } from './logins.js'
import { PendingLogins } from './pending-logins.js'
import { SecondFactors } from './second-factors.js'
import { Totp } from './totp.js'
import { TwoFactorChanges } from './two-factor-changes.js'
import { wholeTwoFactorSettings } from './two-factor-settings.js'

/** What this room is made with. */
export interface TwoFactorRoomParts {
  readonly secrets: Secrets
  readonly orm: MikroORM
  readonly mails: Mails
  readonly sessions: Sessions
  readonly tokens: OneTimeTokens
  readonly proof: PasswordProof
  readonly state: ShortLivedState
  readonly replaced: Replacing
}

/** The services of this room. */
export interface TwoFactorRoom {
  readonly logins: Logins
  readonly factors: SecondFactors
  readonly twoFactor: TwoFactorChanges
  /** Recognises the browser that a login was begun in. */
  readonly pendingCookie: HostCookie
}

/** Makes the services of this room, each of those it works with. */
export function assembleTwoFactor(settings: AuthSettings, parts: TwoFactorRoomParts): TwoFactorRoom {
  const { secrets, orm, mails, sessions, tokens, proof, state, replaced } = parts
  const { issuer, pendingLogin, attempts, failures, recentLogin, ...whole } = wholeTwoFactorSettings(settings.twoFactor)
  const totp = new Totp(issuer)
  const sealing = new Sealing(secrets, 'totp-secret')
  const backupCodes = new BackupCodes(secrets, whole.backupCodes)
  const budget = new CodeBudget({ orm, mails, rules: failures })
  const factors = replaced('factors', new SecondFactors({ orm, totp, sealing, backupCodes, budget, mails }))
  const pending = new PendingLogins({ secrets, state, seconds: pendingLogin, attempts })
  const sameSite = settings.cookies?.sameSite === 'none' ? 'none' : 'strict'
  const changes = new TwoFactorChanges({
    ...{ orm, totp, sealing, backupCodes, factors, proof, sessions, tokens, mails, recentLogin },
  })
  return {
    logins: replaced('logins', new Logins({ orm, sessions, factors, pending })),
    factors,
    twoFactor: replaced('twoFactor', changes),
    pendingCookie: replaced('pendingCookie', new HostCookie('2fa', sameSite, cookieRules(settings))),
  }
}

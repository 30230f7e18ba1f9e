import type { MikroORM } from '@mikro-orm/core'
import { accountPurge } from './accounts/account-purge.js'
import type { AuthServices } from './auth-services.js'
import type { AuthSettings } from './auth-settings.js'
import { sessionExpiry, sessionPruning } from './sessions/session-expiry.js'
import { keyRotation } from './sessions/signing-keys.js'
import type { Chore } from './store/sweeper.js'

/** What chores are made with. */
export interface ChoreParts {
  readonly settings: AuthSettings
  readonly orm: MikroORM
  readonly services: Omit<AuthServices, 'sweeper'>
}

/** What is done every minute, by whichever process is there. */
export function authChores({ settings, orm, services }: ChoreParts): Chore[] {
  return [
    sessionExpiry(orm, services.trail),
    sessionPruning(orm),
    { name: 'lockouts', run: () => services.lockouts.sweep() },
    accountPurge(orm, services.trail, settings.neverVerifiedDays ?? 7),
    keyRotation(services.signingKeys, services.trail, settings.accessTokens?.rotateAfterDays ?? 90),
  ]
}

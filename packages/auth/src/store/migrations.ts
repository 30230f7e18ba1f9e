import { auditStoreMigrations } from '@countersign/adapters/mikro-orm'
import type { MigrationObject } from '@mikro-orm/core'
import { AddEmailChanges } from './migrations/add-email-changes.js'
import { AddUserNames } from './migrations/add-user-names.js'
import { CreateAccounts } from './migrations/create-accounts.js'
import { CreateLockouts } from './migrations/create-lockouts.js'
import { CreateProfiles } from './migrations/create-profiles.js'
import { CreateSecondFactors } from './migrations/create-second-factors.js'
import { CreateSessionTokens } from './migrations/create-session-tokens.js'
import { CreateShortLivedState } from './migrations/create-short-lived-state.js'
import { GrowLockouts } from './migrations/grow-lockouts.js'
import { IndexUserNames } from './migrations/index-user-names.js'
import { IndexUsers } from './migrations/index-users.js'

/** Everything that the reference system keeps: accounts, sessions, mail, limits and the trail. */
export const authMigrations: MigrationObject[] = [
  ...auditStoreMigrations,
  { name: 'countersign-auth-1', class: CreateAccounts },
  { name: 'countersign-auth-2', class: CreateProfiles },
  { name: 'countersign-auth-3', class: CreateShortLivedState },
  { name: 'countersign-auth-4', class: CreateSessionTokens },
  { name: 'countersign-auth-5', class: IndexUsers },
  { name: 'countersign-auth-6', class: CreateSecondFactors },
  { name: 'countersign-auth-7', class: CreateLockouts },
  { name: 'countersign-auth-8', class: AddEmailChanges },
  { name: 'countersign-auth-9', class: AddUserNames },
  { name: 'countersign-auth-10', class: IndexUserNames },
  { name: 'countersign-auth-11', class: GrowLockouts },
]

import { auditStoreMigrations } from '@countersign/adapters/mikro-orm'
import type { MigrationObject } from '@mikro-orm/core'
import { CreateAccounts } from './migrations/create-accounts.js'

/** Everything that the reference system keeps: accounts, sessions, mail, limits and the trail. */
export const authMigrations: MigrationObject[] = [
  ...auditStoreMigrations,
  { name: 'countersign-auth-1', class: CreateAccounts },
]

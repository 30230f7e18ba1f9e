import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

/** The second factor of an account, once one was offered; it is asked for from `enabledAt` on. */
export const SecondFactor = defineEntity({
  name: 'SecondFactor',
  tableName: 'auth_second_factor',
  properties: {
    userId: p.uuid().fieldName('user_id').primary(),
    /** The TOTP secret in force, sealed for the account. */
    secret: p.text().nullable(),
    enabledAt: p.datetime().nullable(),
    /** The secret that was offered last, sealed, until a code of it confirms it. */
    offeredSecret: p.text().nullable(),
    offeredAt: p.datetime().nullable(),
    /** The newest time step whose code was used; no code of it or of an earlier one counts again. */
    lastStep: p.integer().nullable(),
    /** Wrong codes in the window that ends at `failuresUntil`, those under way included. */
    failures: p.integer().default(0),
    failuresUntil: p.datetime().nullable(),
    /** Wrong codes since the last right one. */
    failuresInARow: p.integer().fieldName('failures_in_a_row').default(0),
  },
})
export type SecondFactor = InferEntity<typeof SecondFactor>

/** A backup code: kept as a keyed hash, used once. */
export const BackupCode = defineEntity({
  name: 'BackupCode',
  tableName: 'auth_backup_code',
  properties: {
    codeHash: p.string().primary(),
    userId: p.uuid().fieldName('user_id').index(),
    createdAt: p.datetime(),
    usedAt: p.datetime().nullable(),
  },
})
export type BackupCode = InferEntity<typeof BackupCode>

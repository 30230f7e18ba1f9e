import { AuditError } from '@countersign/core'
import type { MigrationObject, MikroORM } from '@mikro-orm/core'
import { Migration, type Migrator } from '@mikro-orm/migrations'
import { auditStoreSchema } from './audit-store-schema.js'
import { firstIdSchema } from './first-id.js'
import { floodLedgerSchema } from './flood-ledger-schema.js'
import { clusterSchema, logSchema } from './log/log-schema.js'
import { queryIndexes } from './query-indexes.js'
import { isEmbedded } from './sql-client.js'

class CreateAuditStore extends Migration {
  override up(): void {
    for (const statement of auditStoreSchema) this.addSql(statement)
  }
}

class CreateFloodLedger extends Migration {
  override up(): void {
    for (const statement of floodLedgerSchema) this.addSql(statement)
  }
}

class CreateLog extends Migration {
  override up(): void {
    for (const statement of logSchema) this.addSql(statement)
  }
}

class IndexQueries extends Migration {
  override up(): void {
    for (const statement of queryIndexes) this.addSql(statement)
  }
}

class BoundFirstId extends Migration {
  override up(): void {
    for (const statement of firstIdSchema) this.addSql(statement)
  }
}

class KnowCluster extends Migration {
  override up(): void {
    for (const statement of clusterSchema) this.addSql(statement)
  }
}

/**
 * The migrations of the audit store, for `migrations.migrationsList` of MikroORM.
 *
 * @example
 * const orm = await MikroORM.init({
 *   entities: [],
 *   discovery: { warnWhenNoEntities: false },
 *   extensions: [Migrator],
 *   migrations: { migrationsList: [...auditStoreMigrations, ...ownMigrations], snapshot: false },
 * })
 * await migrate(orm)
 */
export const auditStoreMigrations: MigrationObject[] = [
  { name: 'countersign-audit-store-1', class: CreateAuditStore },
  { name: 'countersign-audit-store-2', class: CreateFloodLedger },
  { name: 'countersign-audit-store-3', class: CreateLog },
  { name: 'countersign-audit-store-4', class: IndexQueries },
  { name: 'countersign-audit-store-5', class: BoundFirstId },
  { name: 'countersign-audit-store-6', class: KnowCluster },
]

/** Runs all pending migrations; processes that start together wait for each other. */
export async function migrate(orm: MikroORM): Promise<void> {
  const migrator = orm.config.getExtension('@mikro-orm/migrator') as Migrator | undefined
  if (!migrator) {
    throw new AuditError(
      'SETTING_INVALID',
      "MikroORM has no migrator. Write: extensions: [Migrator], from '@mikro-orm/migrations'.",
    )
  }
  if (isEmbedded(orm)) {
    await migrator.up()
    return
  }
  const connection = orm.em.getDriver().getConnection()
  await connection.transactional(async (transaction) => {
    await connection.execute("select pg_advisory_xact_lock(hashtext('countersign-migrate'))", [], 'run', transaction)
    await migrator.up({ transaction })
  })
}

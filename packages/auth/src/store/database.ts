import { Socket } from 'node:net'
import {
  embeddedDatabaseIn,
  migrate,
  openStore,
  pipelinedClient,
  type SqlClient,
  type StoreLocation,
} from '@countersign/adapters/mikro-orm'
import type { MigrationObject, MikroORM, Options } from '@mikro-orm/core'
import { Migrator } from '@mikro-orm/migrations'
import { authEntities } from './entities.js'
import { authMigrations } from './migrations.js'

/** An entity as MikroORM takes it: what `defineEntity` makes, or a class. */
export type OwnEntity = NonNullable<Options['entities']>[number]

/** What a host has in the database beside what is ours. */
export interface OwnSchema {
  readonly entities?: readonly OwnEntity[]
  readonly migrations?: readonly MigrationObject[]
}

/** An open database that has every migration. */
export interface Database {
  readonly orm: MikroORM
  /** For what every request asks, and no transaction: a statement with a name is parsed and planned once. */
  readonly statements: SqlClient
  close(): Promise<void>
}

/**
 * Opens and migrates the database.
 *
 * @throws AuditError `STORE_UNREACHABLE`, `STORE_LOCKED`
 */
export async function openDatabase(location: StoreLocation, own: OwnSchema = {}): Promise<Database> {
  const store = await openStore(location, { connect: () => connect(location, optionsWith(own)), prepare: migrate })
  const statements = pipelinedClient(store.orm, 8)
  return {
    orm: store.orm,
    statements,
    async close() {
      await statements.close()
      await store.close()
    },
  }
}

function optionsWith({ entities = [], migrations = [] }: OwnSchema) {
  return {
    extensions: [Migrator],
    entities: [...authEntities, ...entities],
    migrations: { migrationsList: [...authMigrations, ...migrations], snapshot: false },
    // A host's own entity may see the table of accounts its own way.
    discovery: { checkDuplicateTableNames: false },
    // Parameters are passwords' hashes and addresses: no statement is logged.
    debug: false,
    logger: () => undefined,
  }
}

/** A database that is silently gone must not keep requests for ever. */
const patience = {
  connectionTimeoutMillis: 5000,
  query_timeout: 10_000,
  statement_timeout: 10_000,
  // The pool would hand out the dead connection again and again. Idle ones are closed sooner than this.
  stream: () => {
    const socket = new Socket()
    return socket.setTimeout(12_000, () => socket.destroy(new Error('The database has fallen silent.')))
  },
}

// A driver's MikroORM has the driver in its type: no union of the two is one that the rest could work with.
async function connect(location: StoreLocation, options: ReturnType<typeof optionsWith>): Promise<MikroORM> {
  if ('url' in location) {
    const { MikroORM } = await import('@mikro-orm/postgresql')
    const where = { clientUrl: location.url, driverOptions: patience }
    return (await MikroORM.init({ ...options, ...where })) as unknown as MikroORM
  }
  const { MikroORM } = await import('@mikro-orm/pglite')
  return (await MikroORM.init({ ...options, dbName: embeddedDatabaseIn(location.folder) })) as unknown as MikroORM
}

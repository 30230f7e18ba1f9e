import { auditStoreMigrations, migrate } from '@countersign/adapters/mikro-orm'
import { limitTable } from '@countersign/adapters/rate-limiter-flexible'
import { openDatabase } from '@countersign/auth'
import type { MikroORM } from '@mikro-orm/core'
import { Migrator } from '@mikro-orm/migrations'
import { MikroORM as PgliteORM } from '@mikro-orm/pglite'
import { MikroORM as PostgresORM } from '@mikro-orm/postgresql'

/** What a database was migrated to: the tables of an audit store, or those of the reference server. */
export type Schema = 'store' | 'auth'

type Place = { readonly clientUrl: string } | { readonly dbName: string; readonly driverOptions?: object }

/** Opens an audit store, and migrates it if it is not. */
export async function openStore(place: Place): Promise<MikroORM> {
  const options = {
    extensions: [Migrator],
    migrations: { migrationsList: auditStoreMigrations, snapshot: false },
    entities: [],
    discovery: { warnWhenNoEntities: false },
    ...place,
  }
  const made = 'clientUrl' in place ? await PostgresORM.init(options) : await PgliteORM.init(options)
  const orm = made as unknown as MikroORM
  await migrate(orm)
  await orm.em.getDriver().getConnection().execute(limitTable)
  return orm
}

/** Migrates what is at an address, or in the folder `postgres` of a folder. */
export async function migrated(schema: Schema, place: { url: string } | { folder: string }): Promise<void> {
  if (schema === 'auth') await (await openDatabase(place)).close()
  else
    await (await openStore('url' in place ? { clientUrl: place.url } : { dbName: `${place.folder}/postgres` })).close()
}

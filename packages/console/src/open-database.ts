import { existsSync } from 'node:fs'
import {
  describeStore,
  embeddedDatabaseIn,
  type OpenStore,
  openStore,
  type StoreLocation,
} from '@countersign/adapters/mikro-orm'
import { AuditError } from '@countersign/core'
import type { MikroORM } from '@mikro-orm/core'

/**
 * Opens a database that a server has made. Nothing is made or migrated: a command may have been pointed at the wrong
 * place, and that must not look like an empty log.
 *
 * @throws AuditError `STORE_UNREACHABLE`, `STORE_LOCKED`
 */
export async function openDatabase(
  location: StoreLocation,
  options: { readonly isPatient: boolean },
): Promise<OpenStore> {
  if ('folder' in location) assertDatabaseIn(location.folder)
  return openStore(location, {
    connect: () => connect(location, options.isPatient),
    prepare: (orm) => assertStore(orm, location),
  })
}

function assertDatabaseIn(folder: string): void {
  if (existsSync(embeddedDatabaseIn(folder))) return
  throw new AuditError(
    'STORE_UNREACHABLE',
    `There is no database in the data folder ${folder}. Set DATA_DIR or DATABASE_URL as the server has it, or start the server first.`,
  )
}

const options = {
  entities: [],
  discovery: { warnWhenNoEntities: false },
  ensureDatabase: false,
  debug: false,
  logger: () => undefined,
}

/** One statement of an erasure or of retention may take long; nobody's request waits for it. */
const patience = { query_timeout: 3_600_000, statement_timeout: 3_600_000 }

// A driver's MikroORM has the driver in its type: no union of the two is one that the rest could work with.
async function connect(location: StoreLocation, isPatient: boolean): Promise<MikroORM> {
  if ('url' in location) {
    const { MikroORM } = await import('@mikro-orm/postgresql')
    const driverOptions = { connectionTimeoutMillis: 5000, ...(isPatient && patience) }
    return (await MikroORM.init({ ...options, clientUrl: location.url, driverOptions })) as unknown as MikroORM
  }
  const { MikroORM } = await import('@mikro-orm/pglite')
  const dbName = embeddedDatabaseIn(location.folder)
  return (await MikroORM.init({ ...options, dbName })) as unknown as MikroORM
}

async function assertStore(orm: MikroORM, location: StoreLocation): Promise<void> {
  const connection = orm.em.getDriver().getConnection()
  const [found] = await connection.execute<Array<{ is_here: boolean }>>(
    "select to_regclass('audit_log_state') is not null as is_here",
  )
  if (found?.is_here) return
  throw new AuditError(
    'STORE_UNREACHABLE',
    `${describeStore(location)} has no audit log, or one of an older version. Set DATABASE_URL or DATA_DIR as the server has it, or start the server, which migrates it.`,
  )
}

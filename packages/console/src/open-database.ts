import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { lockDataFolder } from '@countersign/adapters/mikro-orm'
import { AuditError, type FolderLock } from '@countersign/core'
import type { MikroORM } from '@mikro-orm/core'
import type { StoreLocation } from './settings.js'

/** An open database with an audit store in it. */
export interface OpenDatabase {
  readonly orm: MikroORM
  close(): Promise<void>
}

/**
 * Opens a database that a server has made. Nothing is made or migrated: a command may have been pointed at the wrong
 * place, and that must not look like an empty log.
 *
 * @throws AuditError `STORE_UNREACHABLE`, `STORE_LOCKED`
 */
export async function openDatabase(
  location: StoreLocation,
  options: { readonly isPatient: boolean },
): Promise<OpenDatabase> {
  let lock: FolderLock | undefined
  let orm: MikroORM | undefined
  try {
    if ('folder' in location) {
      assertDatabaseIn(location.folder)
      lock = lockDataFolder(location.folder)
    }
    orm = await connect(location, options.isPatient)
    await assertStore(orm, location)
  } catch (cause) {
    await orm?.close(true).catch(() => undefined)
    lock?.release()
    if (cause instanceof AuditError) throw cause
    throw new AuditError('STORE_UNREACHABLE', `${describe(location)} can't be used (${reasonOf(cause)}).`, { cause })
  }
  const opened = orm
  return {
    orm: opened,
    async close() {
      await opened.close(true)
      lock?.release()
    },
  }
}

const databaseFolder = 'postgres'

function assertDatabaseIn(folder: string): void {
  if (existsSync(join(folder, databaseFolder))) return
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

async function connect(location: StoreLocation, isPatient: boolean): Promise<MikroORM> {
  if ('url' in location) {
    const { MikroORM } = await import('@mikro-orm/postgresql')
    const driverOptions = { connectionTimeoutMillis: 5000, ...(isPatient && patience) }
    return connected(await MikroORM.init({ ...options, clientUrl: location.url, driverOptions }))
  }
  const { MikroORM } = await import('@mikro-orm/pglite')
  return connected(await MikroORM.init({ ...options, dbName: join(location.folder, databaseFolder) }))
}

interface Connectable {
  connect(): Promise<unknown>
  checkConnection(): Promise<{ ok: boolean; error?: Error; reason?: string }>
}

async function connected(orm: Connectable): Promise<MikroORM> {
  await orm.connect()
  const check = await orm.checkConnection()
  if (!check.ok) throw check.error ?? new Error(check.reason)
  return orm as unknown as MikroORM
}

async function assertStore(orm: MikroORM, location: StoreLocation): Promise<void> {
  const connection = orm.em.getDriver().getConnection()
  const [found] = await connection.execute<Array<{ is_here: boolean }>>(
    "select to_regclass('audit_log_state') is not null as is_here",
  )
  if (found?.is_here) return
  throw new AuditError(
    'STORE_UNREACHABLE',
    `${describe(location)} has no audit log, or one of an older version. Set DATABASE_URL or DATA_DIR as the server has it, or start the server, which migrates it.`,
  )
}

function describe(location: StoreLocation): string {
  if ('folder' in location) return `The data folder ${location.folder} (DATA_DIR)`
  return `The database at ${hostOf(location.url)} (DATABASE_URL)`
}

/** Never the whole address: it has a password in it. */
function hostOf(url: string): string {
  try {
    const { host, pathname } = new URL(url)
    return `${host}${pathname}`
  } catch {
    return 'an address that is no URL'
  }
}

function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(reasonOf).join('; ')
  // The embedded database's file system throws objects with a name and a number.
  const { message, code, name, errno } = (cause ?? {}) as Readonly<Record<string, unknown>>
  return String(message || code || (name && `${name} ${errno ?? ''}`.trim()) || cause)
}

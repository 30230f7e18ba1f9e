import { Socket } from 'node:net'
import { join } from 'node:path'
import { lockDataFolder, migrate, type SqlClient, sqlClient } from '@countersign/adapters/mikro-orm'
import { AuditError, type FolderLock } from '@countersign/core'
import type { MigrationObject, MikroORM, Options } from '@mikro-orm/core'
import { Migrator } from '@mikro-orm/migrations'
import { authEntities } from './entities.js'
import { authMigrations } from './migrations.js'

/** Where the data is: a PostgreSQL server, or a folder for the embedded one. */
export type DatabaseLocation = { readonly url: string } | { readonly folder: string }

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
  /** For what every request asks: a statement with a name is parsed and planned once. */
  readonly statements: SqlClient
  close(): Promise<void>
}

/**
 * Opens and migrates the database.
 *
 * @throws AuditError `STORE_UNREACHABLE`, `STORE_LOCKED`
 */
export async function openDatabase(location: DatabaseLocation, own: OwnSchema = {}): Promise<Database> {
  let lock: FolderLock | undefined
  let orm: MikroORM | undefined
  try {
    if ('folder' in location) lock = lockDataFolder(location.folder)
    orm = await connect(location, optionsWith(own))
    await migrate(orm)
  } catch (cause) {
    await orm?.close(true).catch(() => undefined)
    lock?.release()
    if (cause instanceof AuditError) throw cause
    throw new AuditError('STORE_UNREACHABLE', `${describe(location)} can't be used (${reasonOf(cause)}).`, { cause })
  }
  const opened = orm
  const statements = sqlClient(opened, 4)
  return {
    orm: opened,
    statements,
    async close() {
      await statements.close()
      await opened.close(true)
      lock?.release()
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

async function connect(location: DatabaseLocation, options: ReturnType<typeof optionsWith>): Promise<MikroORM> {
  if ('url' in location) {
    const { MikroORM } = await import('@mikro-orm/postgresql')
    const orm = await MikroORM.init({ ...options, clientUrl: location.url, driverOptions: patience })
    await assertConnected(orm)
    return orm as unknown as MikroORM
  }
  const { MikroORM } = await import('@mikro-orm/pglite')
  const orm = await MikroORM.init({ ...options, dbName: join(location.folder, 'postgres') })
  await assertConnected(orm)
  return orm as unknown as MikroORM
}

interface Connectable {
  connect(): Promise<unknown>
  checkConnection(): Promise<{ ok: boolean; error?: Error; reason?: string }>
}

async function assertConnected(orm: Connectable): Promise<void> {
  await orm.connect()
  const check = await orm.checkConnection()
  if (!check.ok) throw check.error ?? new Error(check.reason)
}

function describe(location: DatabaseLocation): string {
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

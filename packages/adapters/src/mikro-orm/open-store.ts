import { join } from 'node:path'
import { AuditError, type FolderLock } from '@countersign/core'
import type { MikroORM } from '@mikro-orm/core'
import { lockDataFolder } from './data-folder-lock.js'

/** Where the data is: a PostgreSQL server, or a folder for the embedded one. */
export type StoreLocation = { readonly url: string } | { readonly folder: string }

/** An open database. */
export interface OpenStore {
  readonly orm: MikroORM
  close(): Promise<void>
}

/** How a database is opened. */
export interface StoreOpening {
  /** Runs with the lock of the data folder held. */
  connect(): Promise<MikroORM>
  /** What must be done, or be true, before it counts as open. */
  prepare(orm: MikroORM): Promise<void>
}

/** Where PGlite's files are in a data folder. */
export function embeddedDatabaseIn(folder: string): string {
  return join(folder, 'postgres')
}

/**
 * Opens a database: no other process may have its folder, and it must answer.
 *
 * @throws AuditError `STORE_UNREACHABLE`, `STORE_LOCKED`, and what `prepare` throws of them
 * @example
 * const store = await openStore({ folder: 'data' }, { connect: async () => orm, prepare: migrate })
 */
export async function openStore(location: StoreLocation, { connect, prepare }: StoreOpening): Promise<OpenStore> {
  let lock: FolderLock | undefined
  let orm: MikroORM | undefined
  try {
    if ('folder' in location) lock = lockDataFolder(location.folder)
    orm = await connect()
    await assertConnected(orm)
    await prepare(orm)
  } catch (cause) {
    await orm?.close(true).catch(() => undefined)
    lock?.release()
    if (cause instanceof AuditError) throw cause
    throw new AuditError('STORE_UNREACHABLE', `${describeStore(location)} can't be used (${reasonOf(cause)}).`, {
      cause,
    })
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

/** A place, for whoever has set it. */
export function describeStore(location: StoreLocation): string {
  if ('folder' in location) return `The data folder ${location.folder} (DATA_DIR)`
  return `The database at ${hostOf(location.url)} (DATABASE_URL)`
}

async function assertConnected(orm: MikroORM): Promise<void> {
  await orm.connect()
  const check = await orm.checkConnection()
  if (!check.ok) throw check.error ?? new Error(check.reason)
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

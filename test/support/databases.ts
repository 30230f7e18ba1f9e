import type { MikroORM } from '@mikro-orm/core'
import { openStore, type Schema } from './migrated.js'
import { migratedPglite } from './pglite-clusters.js'
import { onServer, statement, urlOfDatabase } from './postgres-server.js'
import { postgresTemplate } from './postgres-templates.js'

export interface TestDatabase {
  readonly orm: MikroORM
  /** For a PostgreSQL server: where it is. */
  readonly url?: string
  close(): Promise<void>
}

export async function postgresAvailable(): Promise<boolean> {
  try {
    await onServer(() => Promise.resolve())
    return true
  } catch (cause) {
    if (process.env.REQUIRE_SERVICES === '1')
      throw new Error(`REQUIRE_SERVICES=1 and no PostgreSQL at TEST_DATABASE_URL`, { cause })
    console.warn('SKIPPED: no PostgreSQL server is reachable at TEST_DATABASE_URL; its suites did not run.')
    return false
  }
}

export async function pgliteDatabase(): Promise<TestDatabase> {
  const orm = await openStore({ dbName: 'memory://', driverOptions: { loadDataDir: await migratedPglite() } })
  return { orm, close: () => orm.close() }
}

/** A database of its own on the server. */
export interface OwnPostgres {
  readonly url: string
  /** Ends its connections, and refuses new ones until {@link open}. */
  shut(): Promise<void>
  open(): Promise<void>
  drop(): Promise<void>
}

export const emptyPostgres = (): Promise<OwnPostgres> => ownPostgres()

export const migratedPostgres = async (schema: Schema): Promise<OwnPostgres> =>
  ownPostgres(`template ${await postgresTemplate(schema)}`)

async function ownPostgres(like = ''): Promise<OwnPostgres> {
  const name = `countersign_test_${process.pid}_${Math.random().toString(36).slice(2, 10)}`
  await statement(`create database ${name} ${like}`)
  return {
    url: urlOfDatabase(name),
    async shut() {
      await statement(`alter database ${name} with allow_connections false`)
      // Until none is left: a backend takes its time to end, and one may have come in just before.
      const ended = `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`
      while ((await statement(ended)) > 0);
    },
    async open() {
      await statement(`alter database ${name} with allow_connections true`)
    },
    async drop() {
      await statement(`drop database if exists ${name} with (force)`)
    },
  }
}

export async function postgresDatabase(): Promise<TestDatabase> {
  const { url, drop } = await migratedPostgres('store')
  const orm = await openStore({ clientUrl: url })
  return {
    orm,
    url,
    async close() {
      await orm.close()
      await drop()
    },
  }
}

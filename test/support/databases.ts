import { auditStoreMigrations, migrate } from '@countersign/adapters/mikro-orm'
import { limitTable } from '@countersign/adapters/rate-limiter-flexible'
import type { MikroORM } from '@mikro-orm/core'
import { Migrator } from '@mikro-orm/migrations'
import { MikroORM as PgliteORM } from '@mikro-orm/pglite'
import { MikroORM as PostgresORM } from '@mikro-orm/postgresql'
import pg from 'pg'
import { emptyPglite } from './empty-pglite.js'

export interface TestDatabase {
  readonly orm: MikroORM
  /** For a PostgreSQL server: where it is. */
  readonly url?: string
  close(): Promise<void>
}

const options = {
  extensions: [Migrator],
  migrations: { migrationsList: auditStoreMigrations, snapshot: false },
  entities: [],
  discovery: { warnWhenNoEntities: false },
}

/** The server that suites run on where it is reachable; `REQUIRE_SERVICES=1` makes its absence a failure. */
const postgresUrl: string = process.env.TEST_DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres'

export async function postgresAvailable(): Promise<boolean> {
  const client = new pg.Client({ connectionString: postgresUrl, connectionTimeoutMillis: 2000 })
  try {
    await client.connect()
    await client.end()
    return true
  } catch (cause) {
    if (process.env.REQUIRE_SERVICES === '1')
      throw new Error(`REQUIRE_SERVICES=1 and no PostgreSQL at TEST_DATABASE_URL`, { cause })
    console.warn('SKIPPED: no PostgreSQL server is reachable at TEST_DATABASE_URL; its suites did not run.')
    return false
  }
}

export async function pgliteDatabase(): Promise<TestDatabase> {
  const driverOptions = { loadDataDir: await emptyPglite() }
  const orm = (await PgliteORM.init({ ...options, dbName: 'memory://', driverOptions })) as unknown as MikroORM
  await migrate(orm)
  await orm.em.getDriver().getConnection().execute(limitTable)
  return { orm, close: () => orm.close() }
}

/** An empty database of its own on the server. */
export interface EmptyPostgres {
  readonly url: string
  /** Ends its connections, and refuses new ones until {@link open}. */
  shut(): Promise<void>
  open(): Promise<void>
  drop(): Promise<void>
}

export async function emptyPostgres(): Promise<EmptyPostgres> {
  const name = `countersign_test_${process.pid}_${Math.random().toString(36).slice(2, 10)}`
  const run = async (statement: string): Promise<number> => {
    const client = new pg.Client({ connectionString: postgresUrl })
    await client.connect()
    const { rows } = await client.query(statement)
    await client.end()
    return rows.length
  }
  await run(`create database ${name}`)
  const url = new URL(postgresUrl)
  url.pathname = `/${name}`
  return {
    url: url.href,
    async shut() {
      await run(`alter database ${name} with allow_connections false`)
      // Until none is left: a backend takes its time to end, and one may have come in just before.
      while ((await run(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`)) > 0);
    },
    async open() {
      await run(`alter database ${name} with allow_connections true`)
    },
    async drop() {
      await run(`drop database if exists ${name} with (force)`)
    },
  }
}

export async function postgresDatabase(): Promise<TestDatabase> {
  const { url, drop } = await emptyPostgres()
  const orm = (await PostgresORM.init({ ...options, clientUrl: url })) as unknown as MikroORM
  await migrate(orm)
  await orm.em.getDriver().getConnection().execute(limitTable)
  return {
    orm,
    url,
    async close() {
      await orm.close()
      await drop()
    },
  }
}

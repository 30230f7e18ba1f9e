import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { auditStoreMigrations, migrate } from '@countersign/adapters/mikro-orm'
import { EntitySchema } from '@mikro-orm/core'
import { Migrator } from '@mikro-orm/migrations'
import pg from 'pg'
import { copiedColumns, pgCopy, pgliteCopy, plainInsert, valuesOf } from './bare-writer.js'
import { ownDatabase } from './own-database.js'

const times = ['occurred_at']
const documents = ['on_behalf_of', 'proxy_chain', 'device', 'details']
const numbers = ['event_version', 'status', 'duration_ms', 'limit', 'retry_after']

function propertyOf(column) {
  if (column === 'id') return { type: 'uuid', primary: true }
  if (times.includes(column)) return { type: 'Date', columnType: 'timestamptz' }
  if (documents.includes(column)) return { type: 'json', nullable: true }
  if (numbers.includes(column)) return { type: 'number', nullable: true }
  return { type: 'string', nullable: true }
}

/** The table as an entity, as a user of MikroORM would have it. */
const Event = new EntitySchema({
  name: 'Event',
  tableName: 'audit_event',
  properties: Object.fromEntries(copiedColumns.map((column) => [column, propertyOf(column)])),
})

function entityOf(row) {
  const values = valuesOf(row)
  return Object.fromEntries(
    copiedColumns.map((column, index) => {
      const value = values[index] ?? null
      if (value !== null && times.includes(column)) return [column, new Date(value)]
      return [column, value !== null && documents.includes(column) ? JSON.parse(value) : value]
    }),
  )
}

/** MikroORM over an empty audit store, and its way of writing one row. */
async function migrated(MikroORM, options) {
  const orm = await MikroORM.init({
    ...options,
    entities: [Event],
    extensions: [Migrator],
    migrations: { migrationsList: auditStoreMigrations, snapshot: false },
    logger: () => undefined,
  })
  await migrate(orm)
  const entityFor = (row) => entityOf(row)
  const persist = (entity) => {
    const em = orm.em.fork()
    em.persist(em.create(Event, entity))
    return em.flush()
  }
  return { orm, entityFor, persist }
}

/** An audit store in the database of that address. */
export async function storeAt(url) {
  const { MikroORM } = await import('@mikro-orm/postgresql')
  return (await migrated(MikroORM, { clientUrl: url })).orm
}

/** A database of its own on the server; null where there is none. */
export async function postgresStore() {
  const database = await ownDatabase()
  if (!database) return null
  const { MikroORM } = await import('@mikro-orm/postgresql')
  const { orm, ...byEntity } = await migrated(MikroORM, { clientUrl: database.url })
  const clients = [0, 1, 2].map(() => new pg.Client({ connectionString: database.url }))
  for (const client of clients) await client.connect()
  const [plain, ...writers] = clients
  return {
    backend: 'PostgreSQL',
    orm,
    ...byEntity,
    copies: writers.map(pgCopy),
    insert: (row) => plain.query({ ...plainInsert, values: valuesOf(row) }),
    query: async (text) => (await plain.query(text)).rows,
    async close() {
      for (const client of clients) await client.end()
      await orm.close()
      await database.drop()
    },
  }
}

/** A data folder of its own. */
export async function pgliteStore() {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-bench-'))
  const { MikroORM } = await import('@mikro-orm/pglite')
  const { orm, ...byEntity } = await migrated(MikroORM, { dbName: join(folder, 'postgres') })
  const client = await orm.em.getDriver().getConnection().getNativeClient()
  return {
    backend: 'PGlite, on disk',
    orm,
    ...byEntity,
    copies: [pgliteCopy(client)],
    insert: (row) => client.query(plainInsert.text, valuesOf(row)),
    query: async (text) => (await client.query(text)).rows,
    async close() {
      await orm.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

import type { Connection, MikroORM } from '@mikro-orm/core'

/** What `pg.Pool` and `PGlite` have in common: a statement with parameters, on a connection of nobody's. */
export interface SqlClient {
  query<Row>(text: string, values: readonly unknown[], name?: string): Promise<Row[]>
  close(): Promise<void>
}

interface NativeClient {
  query(query: unknown, values?: unknown): Promise<{ rows: unknown[] }>
  /** A pool has one. */
  end?(): Promise<void>
}

interface NativeConnection extends Connection {
  getNativeClient(): Promise<NativeClient>
}
type ConnectionClass = new (config: MikroORM['config'], options: object) => NativeConnection

const settings = ['dbName', 'clientUrl', 'host', 'port', 'user', 'password', 'schema'] as const

// A database that does not answer must not hold responses for ever.
const timeouts = { connectionTimeoutMillis: 5000, query_timeout: 10_000, statement_timeout: 10_000 }

/**
 * The trail's own way to the database. On PostgreSQL a small pool of its own, so that a handler
 * that holds a transaction, or all connections, is no hindrance; on PGlite the one connection
 * there is, between the transactions of others.
 */
export function sqlClient(orm: MikroORM, connections: number): SqlClient {
  const shared = orm.em.getDriver().getConnection() as NativeConnection
  return isEmbedded(orm) ? pgliteClient(shared) : ownPool(orm, shared, connections)
}

/** True for PGlite: one process, one connection. */
export function isEmbedded(orm: MikroORM): boolean {
  return orm.em.getDriver().getConnection().constructor.name === 'PgliteConnection'
}

function pgliteClient(connection: NativeConnection): SqlClient {
  return {
    async query<Row>(text: string, values: readonly unknown[]) {
      const client = await connection.getNativeClient()
      const { rows } = await client.query(text, values)
      return rows as Row[]
    },
    close: async () => undefined,
  }
}

function ownPool(orm: MikroORM, shared: NativeConnection, connections: number): SqlClient {
  const options: Record<string, unknown> = {}
  for (const setting of settings) options[setting] = orm.config.get(setting)
  const driverOptions: unknown = orm.config.get('driverOptions')
  const isPlain = typeof driverOptions === 'object' && driverOptions !== null
  options.driverOptions = { ...timeouts, ...(isPlain ? driverOptions : {}), max: connections }
  const connection = new (shared.constructor as ConnectionClass)(orm.config, options)
  let pool: NativeClient | undefined
  return {
    async query<Row>(text: string, values: readonly unknown[], name?: string) {
      pool ??= await connection.getNativeClient()
      const client = pool
      // A named statement is parsed and planned once per connection.
      const { rows } = await client.query(name === undefined ? { text, values } : { name, text, values })
      return rows as Row[]
    },
    async close() {
      await connection.close()
      // What never asked through MikroORM, MikroORM does not end: idle connections would keep the process.
      await pool?.end?.()
      pool = undefined
    },
  }
}

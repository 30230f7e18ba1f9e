import type { Connection, MikroORM } from '@mikro-orm/core'
import { CopyIn } from './copy-in.js'
import { KeptConnections, type Pool, type PoolClient } from './kept-connections.js'

/** What `pg.Pool` and `PGlite` have in common: a statement with parameters, on a connection of nobody's. */
export interface SqlClient {
  query<Row>(text: string, values: readonly unknown[], name?: string): Promise<Row[]>
  close(): Promise<void>
}

/** The same for rows as text. */
export interface CopyClient extends SqlClient {
  /** `into` is a table and its columns; the text is in the format of `copy`. All of it is stored, or nothing. */
  copy(into: string, text: string): Promise<void>
}

interface Lite {
  query(text: string, values?: readonly unknown[], options?: { blob: Blob }): Promise<{ rows: unknown[] }>
}

interface NativeConnection extends Connection {
  getNativeClient(): Promise<unknown>
}
type ConnectionClass = new (config: MikroORM['config'], options: object) => NativeConnection

const settings = ['dbName', 'clientUrl', 'host', 'port', 'user', 'password', 'schema'] as const

const ownPool = {
  // A database that does not answer must not hold responses for ever.
  ...{ connectionTimeoutMillis: 5000, query_timeout: 10_000, statement_timeout: 10_000 },
  // A lone attempt after a quiet minute must not wait for a connection; idle ones don't keep the process.
  ...{ idleTimeoutMillis: 0, allowExitOnIdle: true, keepAlive: true, keepAliveInitialDelayMillis: 10_000 },
}

/**
 * The trail's own way to the database. On PostgreSQL a small pool of its own, so that a handler
 * that holds a transaction, or all connections, is no hindrance; on PGlite the one connection
 * there is, between the transactions of others.
 */
export function sqlClient(orm: MikroORM, connections: number): SqlClient {
  return copyClient(orm, connections)
}

/** A {@link sqlClient} that takes rows as text, too. */
export function copyClient(orm: MikroORM, connections: number): CopyClient {
  const shared = orm.em.getDriver().getConnection() as NativeConnection
  return isEmbedded(orm) ? pgliteClient(shared) : poolClient(ownConnection(orm, shared, connections))
}

/** True for PGlite: one process, one connection. */
export function isEmbedded(orm: MikroORM): boolean {
  return orm.em.getDriver().getConnection().constructor.name === 'PgliteConnection'
}

function pgliteClient(connection: NativeConnection): CopyClient {
  const native = connection.getNativeClient.bind(connection) as () => Promise<Lite>
  return {
    async query<Row>(text: string, values: readonly unknown[]) {
      const { rows } = await (await native()).query(text, values)
      return rows as Row[]
    },
    async copy(into, text) {
      await (await native()).query(`copy ${into} from '/dev/blob'`, [], { blob: new Blob([text]) })
    },
    close: async () => undefined,
  }
}

function ownConnection(orm: MikroORM, shared: NativeConnection, connections: number): NativeConnection {
  const options: Record<string, unknown> = {}
  for (const setting of settings) options[setting] = orm.config.get(setting)
  const driverOptions: unknown = orm.config.get('driverOptions')
  const isPlain = typeof driverOptions === 'object' && driverOptions !== null
  options.driverOptions = { ...ownPool, ...(isPlain ? driverOptions : {}), max: connections }
  return new (shared.constructor as ConnectionClass)(orm.config, options)
}

function poolClient(connection: NativeConnection): CopyClient {
  let kept: KeptConnections | undefined
  const withClient = async <Result>(run: (client: PoolClient) => Promise<Result>): Promise<Result> => {
    if (!kept) {
      const pool = (await connection.getNativeClient()) as Pool
      // Those who asked at the same time have waited, too.
      kept ??= new KeptConnections(pool)
    }
    return kept.with(run)
  }
  return {
    query: <Row>(text: string, values: readonly unknown[], name?: string) =>
      withClient(async (client) => {
        // A named statement is parsed and planned once per connection.
        const { rows } = await client.query(name === undefined ? { text, values } : { name, text, values })
        return rows as Row[]
      }),
    copy: (into, text) =>
      withClient((client) => {
        const copy = new CopyIn(`copy ${into} from stdin`, text)
        client.query(copy)
        return copy.done
      }),
    async close() {
      await connection.close()
      // What never asked through MikroORM, MikroORM does not end: idle connections would keep the process.
      await kept?.end()
      kept = undefined
    },
  }
}

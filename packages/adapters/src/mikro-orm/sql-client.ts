import type { Connection, MikroORM } from '@mikro-orm/core'
import { CopyIn } from './copy-in.js'
import { KeptConnections, type Pool, type PoolClient, type Statement } from './kept-connections.js'
import { PipelinedConnections } from './pipelined-connections.js'

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

/** What can be done inside of a transaction. */
export type Statements = Omit<CopyClient, 'close'>

/** The same, with transactions. */
export interface LogClient extends CopyClient {
  /** Commits when `run` resolves, rolls back when it rejects. Everything in it sees the database as it was at its first statement. */
  transaction<Result>(run: (statements: Statements) => Promise<Result>): Promise<Result>
  /** Runs statements without parameters, which may begin and end a transaction of their own; answers with all their rows. */
  script<Row>(text: string): Promise<Row[]>
}

interface LiteStatements {
  query(text: string, values?: readonly unknown[], options?: { blob: Blob }): Promise<{ rows: unknown[] }>
  exec(text: string): Promise<Array<{ rows: unknown[] }>>
}

interface Lite extends LiteStatements {
  transaction<Result>(run: (statements: LiteStatements) => Promise<Result>): Promise<Result>
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

/**
 * The same for short statements that many ask for at once, as every request does. On PostgreSQL they go out without
 * waiting for the answers to those before; one that takes long, or waits for a lock, holds up those behind it, and is
 * ended by the database after five seconds. Where a connection breaks, nobody knows what became of those on it.
 *
 * Do not wait for it inside of a transaction: what holds it up may wait for that.
 */
export function pipelinedClient(orm: MikroORM, connections: number): SqlClient {
  const shared = orm.em.getDriver().getConnection() as NativeConnection
  if (isEmbedded(orm)) return pgliteClient(shared)
  const pool = {
    // One that is given up holds its place until all that is under way on it is answered.
    ...{ max: 2 * connections, pipeline: true },
    // The driver gives a connection up with all that waits on it: the database is to end a slow statement long before.
    statement_timeout: 5000,
  }
  return pipelinesOf(ownConnection(orm, shared, pool), connections)
}

/** A {@link sqlClient} that takes rows as text, too, and has transactions. */
export function copyClient(orm: MikroORM, connections: number): LogClient {
  const shared = orm.em.getDriver().getConnection() as NativeConnection
  return isEmbedded(orm) ? pgliteClient(shared) : poolClient(ownConnection(orm, shared, { max: connections }))
}

/** True for PGlite: one process, one connection. */
export function isEmbedded(orm: MikroORM): boolean {
  return orm.em.getDriver().getConnection().constructor.name === 'PgliteConnection'
}

function pgliteClient(connection: NativeConnection): LogClient {
  const native = connection.getNativeClient.bind(connection) as () => Promise<Lite>
  return {
    query: async (text, values) => liteStatements(await native()).query(text, values),
    copy: async (into, text) => liteStatements(await native()).copy(into, text),
    async transaction(run) {
      return (await native()).transaction(async (lite) => {
        await lite.query(isolation)
        return run(liteStatements(lite))
      })
    },
    async script<Row>(text: string) {
      const lite = await native()
      // In one of PGlite's, so that one that fails is ended before anybody else's statement runs.
      const results = await (/^\s*begin\b/i.test(text)
        ? lite.transaction((inner) => inner.exec(text))
        : lite.exec(text))
      return results.flatMap(({ rows }) => rows) as Row[]
    },
    close: async () => undefined,
  }
}

const isolation = 'set transaction isolation level repeatable read'

function liteStatements(lite: LiteStatements): Statements {
  return {
    async query<Row>(text: string, values: readonly unknown[]) {
      const { rows } = await lite.query(text, values)
      return rows as Row[]
    },
    async copy(into, text) {
      await lite.query(`copy ${into} from '/dev/blob'`, [], { blob: new Blob([text]) })
    },
  }
}

function ownConnection(orm: MikroORM, shared: NativeConnection, pool: object): NativeConnection {
  const options: Record<string, unknown> = {}
  for (const setting of settings) options[setting] = orm.config.get(setting)
  const driverOptions: unknown = orm.config.get('driverOptions')
  const isPlain = typeof driverOptions === 'object' && driverOptions !== null
  options.driverOptions = { ...ownPool, ...(isPlain ? driverOptions : {}), ...pool }
  return new (shared.constructor as ConnectionClass)(orm.config, options)
}

/** Connections that are made of a pool when the first statement comes, and ended once. */
function onDemand<Connections extends { end(): Promise<void> }>(
  connection: NativeConnection,
  make: (pool: Pool) => Connections,
) {
  let made: Connections | undefined
  return {
    async get(): Promise<Connections> {
      if (made) return made
      const pool = (await connection.getNativeClient()) as Pool
      // Those who asked at the same time have waited, too.
      made ??= make(pool)
      return made
    },
    async close(): Promise<void> {
      const ending = made
      made = undefined
      await connection.close()
      // What never asked through MikroORM, MikroORM does not end: idle connections would keep the process.
      await ending?.end()
    },
  }
}

function poolClient(connection: NativeConnection): LogClient {
  const { get, close } = onDemand(connection, (pool) => new KeptConnections(pool))
  const withClient = async <Result>(run: (client: PoolClient) => Promise<Result>): Promise<Result> =>
    (await get()).with(run)
  return {
    query: (text, values, name) => withClient((client) => poolStatements(client).query(text, values, name)),
    copy: (into, text) => withClient((client) => poolStatements(client).copy(into, text)),
    transaction: (run) => withClient((client) => inTransaction(client, run)),
    script: (text) => withClient((client) => runScript(client, text)),
    close,
  }
}

function pipelinesOf(connection: NativeConnection, most: number): SqlClient {
  const { get, close } = onDemand(connection, (pool) => new PipelinedConnections(pool, most))
  return {
    async query<Row>(text: string, values: readonly unknown[], name?: string) {
      return (await (await get()).query(statementOf(text, values, name))) as Row[]
    },
    close,
  }
}

function statementOf(text: string, values: readonly unknown[], name?: string): Statement {
  return name === undefined ? { text, values } : { name, text, values }
}

function poolStatements(client: PoolClient): Statements {
  return {
    async query<Row>(text: string, values: readonly unknown[], name?: string) {
      const { rows } = await client.query(statementOf(text, values, name))
      return rows as Row[]
    },
    copy(into, text) {
      const copy = new CopyIn(`copy ${into} from stdin`, text)
      client.query(copy)
      return copy.done
    },
  }
}

async function inTransaction<Result>(
  client: PoolClient,
  run: (statements: Statements) => Promise<Result>,
): Promise<Result> {
  const statements = poolStatements(client)
  await statements.query('begin isolation level repeatable read', [])
  try {
    const result = await run(statements)
    await statements.query('commit', [])
    return result
  } catch (cause) {
    // What can't be rolled back costs the connection, by an error that is no refusal.
    await statements.query('rollback', [])
    throw cause
  }
}

async function runScript<Row>(client: PoolClient, text: string): Promise<Row[]> {
  try {
    // Several statements are answered several times.
    const results = [await client.query({ text, values: [] })].flat()
    return results.flatMap(({ rows }) => rows) as Row[]
  } catch (cause) {
    // What it began is open still.
    await client.query({ text: 'rollback', values: [] })
    throw cause
  }
}

import { mikroOrmSink } from '@countersign/adapters/mikro-orm'
import type { AuditSink } from '@countersign/core'
import { sampleRow } from '@countersign/core/testing'
import type { MikroORM } from '@mikro-orm/core'
import { MikroORM as PostgresORM } from '@mikro-orm/postgresql'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ClientSockets } from '../support/client-sockets.js'
import { CutProxy } from '../support/cut-proxy.js'
import { postgresAvailable, postgresDatabase, type TestDatabase } from '../support/databases.js'

describe.runIf(await postgresAvailable())('mikroOrmSink, when the way to PostgreSQL breaks', () => {
  let database: TestDatabase
  let proxy: CutProxy
  let orm: MikroORM
  let sockets: ClientSockets
  let sink: AuditSink
  const execute = (statement: string) => database.orm.em.getDriver().getConnection().execute(statement)
  const stored = async (id: string): Promise<number> =>
    (await execute(`select count(*)::int as n from audit_event where id = '${id}'`))[0].n
  const pids = async (): Promise<number[]> =>
    (
      await execute(
        `select pid from pg_stat_activity where datname = current_database() and query like 'copy audit_event%' order by pid`,
      )
    ).map(({ pid }: { pid: number }) => pid)

  beforeAll(async () => {
    database = await postgresDatabase()
  })
  afterAll(() => database.close())

  beforeEach(async () => {
    proxy = await CutProxy.before(database.url as string)
    sockets = new ClientSockets()
    orm = (await PostgresORM.init({
      clientUrl: proxy.url,
      entities: [],
      discovery: { warnWhenNoEntities: false },
      driverOptions: { query_timeout: 1000, connectionTimeoutMillis: 1000, stream: sockets.stream },
      logger: () => undefined,
    })) as unknown as MikroORM
    sink = mikroOrmSink(orm, { connections: 1 })
    await sink.write([sampleRow()])
  })
  afterEach(async () => {
    await sink.close?.()
    await orm.close()
    await proxy.close()
  })

  it('rejects a row whose statement was cut off on its way, and writes it on a new connection', async () => {
    const row = sampleRow()
    proxy.delay(60_000)
    const cutOff = expect(sink.write([row])).rejects.not.toMatchObject({ code: 'ROW_REFUSED' })
    await expect.poll(() => proxy.held).toBeGreaterThan(0)
    proxy.cut()
    await cutOff
    proxy.delay(0)
    expect(await stored(row.id)).toBe(0)
    await sink.write([row])
    expect(await stored(row.id)).toBe(1)
  })

  it('rejects a row whose answer was cut off, though it is stored, and stores it once when it is written again', async () => {
    const row = sampleRow()
    proxy.swallowAnswers(true)
    const cutOff = expect(sink.write([row])).rejects.not.toMatchObject({ code: 'ROW_REFUSED' })
    await expect.poll(() => stored(row.id)).toBe(1)
    proxy.cut()
    await cutOff
    proxy.swallowAnswers(false)
    await sink.write([row, sampleRow()])
    expect(await stored(row.id)).toBe(1)
  })

  it('gives up on a database that does not answer, and lets go of that connection', async () => {
    const row = sampleRow()
    const [before, connections] = [(await pids())[0], proxy.connections]
    proxy.swallowAnswers(true)
    await expect(sink.write([row])).rejects.toThrow(/timeout/)
    await expect.poll(() => proxy.connections).toBe(connections - 1)
    proxy.swallowAnswers(false)
    await sink.write([row])
    expect(await stored(row.id)).toBe(1)
    expect(await pids()).not.toContain(before)
  })

  it('rejects while no connection is to be had, and writes when there is one again', async () => {
    const row = sampleRow()
    proxy.refuse()
    proxy.cut()
    await expect(sink.write([row])).rejects.toThrow(/ECONNREFUSED|ECONNRESET|terminated/)
    await expect(sink.write([row])).rejects.toThrow(/ECONNREFUSED/)
    await proxy.admit()
    await sink.write([row])
    expect(await stored(row.id)).toBe(1)
  })

  it('does not notice that an idle connection was cut', async () => {
    expect(sockets.open).toBe(proxy.connections)
    proxy.cut()
    await expect.poll(() => sockets.open).toBe(0)
    const row = sampleRow()
    await sink.write([row])
    expect(await stored(row.id)).toBe(1)
  })

  it('keeps the connection when the database refuses a row', async () => {
    const before = await pids()
    expect(before).toHaveLength(1)
    await expect(sink.write([sampleRow({ outcome: 'maybe' as never })])).rejects.toMatchObject({ code: 'ROW_REFUSED' })
    await sink.write([sampleRow()])
    expect(await pids()).toEqual(before)
  })
})

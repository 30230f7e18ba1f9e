import { sqlClient } from '@countersign/adapters/mikro-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ClientSockets } from '../support/client-sockets.js'
import { postgresAvailable, postgresDatabase, type TestDatabase } from '../support/databases.js'

describe.runIf(await postgresAvailable())('the connections that a sql client keeps', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await postgresDatabase()
  })
  afterAll(() => database.close())

  it('serve many more statements than there are connections, from the first moment on', async () => {
    const client = sqlClient(database.orm, 2)
    const backends = await Promise.all(
      Array.from({ length: 100 }, () => client.query<{ pid: number }>('select pg_backend_pid() as pid', [])),
    )
    expect(new Set(backends.flat().map(({ pid }) => pid)).size).toBe(2)
    const again = await Promise.all(
      Array.from({ length: 100 }, () => client.query<{ pid: number }>('select pg_backend_pid() as pid', [])),
    )
    expect(again).toHaveLength(100)
    await client.close()
  })

  it('are replaced when the database ends them while nothing runs, and nobody notices', async () => {
    const sockets = new ClientSockets()
    const driverOptions = database.orm.config.get('driverOptions')
    database.orm.config.set('driverOptions', { stream: sockets.stream })
    const client = sqlClient(database.orm, 1)
    database.orm.config.set('driverOptions', driverOptions)
    const pid = async () => (await client.query<{ pid: number }>('select pg_backend_pid() as pid', []))[0]?.pid
    const first = await pid()
    expect(sockets.open).toBe(1)
    await database.orm.em.getDriver().getConnection().execute('select pg_terminate_backend(?)', [first])
    await expect.poll(() => sockets.open).toBe(0)
    expect(await pid()).not.toBe(first)
    await client.close()
  })

  it('survive a statement that is refused, and no other failure', async () => {
    const client = sqlClient(database.orm, 1)
    const pid = async () => (await client.query<{ pid: number }>('select pg_backend_pid() as pid', []))[0]?.pid
    const first = await pid()
    await expect(client.query('select 1 / 0', [])).rejects.toMatchObject({ code: '22012' })
    expect(await pid()).toBe(first)
    await expect(client.query('select pg_terminate_backend(pg_backend_pid())', [])).rejects.toThrow()
    expect(await pid()).not.toBe(first)
    await client.close()
  })

  it('are closed once, however often that is asked', async () => {
    const client = sqlClient(database.orm, 1)
    await client.query('select 1', [])
    await Promise.all([client.close(), client.close()])
    await client.close()
  })
})

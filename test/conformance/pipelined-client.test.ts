import { Socket } from 'node:net'
import { pipelinedClient, type SqlClient } from '@countersign/adapters/mikro-orm'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ClientSockets } from '../support/client-sockets.js'
import { pgliteDatabase, postgresAvailable, postgresDatabase, type TestDatabase } from '../support/databases.js'

interface Backend {
  readonly pid: number
}

const backendOf = async (client: SqlClient): Promise<number | undefined> =>
  (await client.query<Backend>('select pg_backend_pid() as pid', [], 'test-backend'))[0]?.pid

describe.runIf(await postgresAvailable())('the connections that statements share', () => {
  let database: TestDatabase
  let client: SqlClient
  beforeAll(async () => {
    database = await postgresDatabase()
  })
  afterAll(() => database.close())
  const clientWith = (options: object): SqlClient => {
    const driverOptions = database.orm.config.get('driverOptions')
    database.orm.config.set('driverOptions', options)
    const own = pipelinedClient(database.orm, 1)
    database.orm.config.set('driverOptions', driverOptions)
    return own
  }
  beforeEach(() => {
    client = pipelinedClient(database.orm, 2)
  })
  afterEach(() => client.close())

  it('give each its own answer, however many ask at once', async () => {
    const numbers = Array.from({ length: 200 }, (_, number) => number)
    const asked = numbers.map((number) =>
      client.query<Backend & { answer: number }>(
        'select pg_backend_pid() as pid, $1::int as answer',
        [number],
        'test-answer',
      ),
    )
    const rows = (await Promise.all(asked)).flat()
    expect(rows.map(({ answer }) => answer)).toEqual(numbers)
    expect(new Set(rows.map(({ pid }) => pid)).size).toBe(2)
  })

  it('have the next with the database before the one before is answered, and answer in order', async () => {
    const first = await backendOf(client)
    const answered: string[] = []
    const slow = client.query('select pg_sleep(0.3)', [], 'test-slow').then(() => answered.push('slow'))
    const next = backendOf(client).then((pid) => answered.push(`next, by ${pid}`))
    await Promise.all([slow, next])
    expect(answered).toEqual(['slow', `next, by ${first}`])
  })

  it('let what comes later pass one that takes long', async () => {
    const first = await backendOf(client)
    const answered: string[] = []
    const slow = client.query('select pg_sleep(0.5)', [], 'test-slow').then(() => answered.push('slow'))
    await new Promise((resolve) => setTimeout(resolve, 50))
    const later = await backendOf(client)
    answered.push('later')
    await slow
    expect(answered).toEqual(['later', 'slow'])
    expect(later).not.toBe(first)
  })

  it('let no more than 32 go behind each other while there is another', async () => {
    await backendOf(client)
    const asked = Array.from({ length: 40 }, () => backendOf(client))
    const counts = Map.groupBy(await Promise.all(asked), (pid) => pid)
    expect([...counts.values()].map(({ length }) => length)).toEqual([32, 8])
  })

  it('fail whoever asks while the database can’t be reached, and serve who asks when it can', async () => {
    let away = true
    const stream = (): Socket => {
      const socket = new Socket()
      if (away) process.nextTick(() => socket.destroy(new Error('Nobody is there.')))
      return socket
    }
    const own = clientWith({ stream })
    const outcomes = await Promise.allSettled([backendOf(own), backendOf(own)])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    away = false
    expect(await backendOf(own)).toBeGreaterThan(0)
    await own.close()
  })

  it('survive a statement that is refused, and so do its neighbours', async () => {
    const first = await backendOf(client)
    const asked = [
      client.query('select 1 as one', []),
      client.query('select 1 / $1::int', [0], 'test-division'),
      client.query('select nothing from nowhere', [], 'test-nowhere'),
      client.query('select 2 as two', [], 'test-two'),
    ]
    const outcomes = await Promise.allSettled(asked)
    expect(outcomes).toMatchObject([
      { value: [{ one: 1 }] },
      { reason: { code: '22012' } },
      { reason: { code: '42P01' } },
      { value: [{ two: 2 }] },
    ])
    expect(await backendOf(client)).toBe(first)
  })

  it('fail with what is under way when the database ends them, and the next is served', async () => {
    const first = await backendOf(client)
    const asked = [
      client.query('select pg_terminate_backend(pg_backend_pid())', [], 'test-end'),
      client.query('select 1', [], 'test-one'),
    ]
    const outcomes = await Promise.allSettled(asked)
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await backendOf(client)).not.toBe(first)
  })

  it('are replaced when the database ends them while nothing runs, and nobody notices', async () => {
    const sockets = new ClientSockets()
    const own = clientWith({ stream: sockets.stream })
    const first = await backendOf(own)
    expect(sockets.open).toBe(1)
    await database.orm.em.getDriver().getConnection().execute('select pg_terminate_backend(?)', [first])
    await expect.poll(() => sockets.open).toBe(0)
    expect(await backendOf(own)).not.toBe(first)
    await own.close()
  })

  it('are closed once what is under way is answered, however often that is asked', async () => {
    const own = pipelinedClient(database.orm, 1)
    await own.query('select 1', [])
    const underWay = own.query<{ answer: number }>('select pg_sleep(0.2), 7 as answer', [], 'test-last')
    await Promise.all([own.close(), own.close()])
    await own.close()
    expect(await underWay).toMatchObject([{ answer: 7 }])
  })
})

it('on PGlite a pipelined client is the one connection that there is', async () => {
  const database = await pgliteDatabase()
  const client = pipelinedClient(database.orm, 2)
  expect(await client.query('select $1::int as answer', [7])).toEqual([{ answer: 7 }])
  await client.close()
  await database.close()
})

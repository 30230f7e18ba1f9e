import { setTimeout as wait } from 'node:timers/promises'
import { databaseState, openDatabase, redisState, type ShortLivedState } from '@countersign/auth'
import { Redis } from 'ioredis'
import { Redis as Valkey } from 'iovalkey'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { places } from '../support/auth-systems.js'
import { keyPrefix, redisAvailable, redisInstalled, redisServer, redisUrl } from '../support/redis.js'

interface Opened {
  readonly state: ShortLivedState
  close(): Promise<unknown>
}

const withRedis = await redisAvailable()
const clients = [
  { name: 'Redis, by ioredis', connect: () => new Redis(redisUrl, { keyPrefix: keyPrefix() }) },
  { name: 'Redis, by iovalkey', connect: () => new Valkey(redisUrl, { keyPrefix: keyPrefix() }) },
]
const stores = [
  ...places.map(({ name, here, make }) => ({
    name,
    here,
    async open(): Promise<Opened> {
      const { database, drop } = await make()
      const { orm, close } = await openDatabase(database)
      return { state: databaseState(orm), close: () => close().then(drop) }
    },
  })),
  ...clients.map(({ name, connect }) => ({
    name,
    here: withRedis,
    async open(): Promise<Opened> {
      const client = connect()
      return { state: redisState(client), close: async () => client.disconnect() }
    },
  })),
].filter(({ here }) => here)

describe.each(stores)('short-lived state in $name', ({ open }) => {
  let opened: Opened
  let state: ShortLivedState
  beforeAll(async () => {
    opened = await open()
    state = opened.state
  })
  afterAll(() => opened.close())

  it('hands out what was put, as often as it is asked for, until it is dropped', async () => {
    expect(await state.get('area:kept')).toBe(null)
    await state.put('area:kept', '{"text":"Grüße, ?"}', 60)
    await state.put('area:other', '', 60)
    expect([await state.get('area:kept'), await state.get('area:kept')]).toEqual(Array(2).fill('{"text":"Grüße, ?"}'))
    expect(await state.get('area:other')).toBe('')
    await state.drop('area:kept')
    await state.drop('area:kept')
    expect(await state.get('area:kept')).toBe(null)
  })

  it('keeps the newest value of a key', async () => {
    await state.put('area:twice', 'one', 60)
    await state.put('area:twice', 'two', 60)
    expect(await state.take('area:twice')).toBe('two')
  })

  it('is taken by one of twenty who take it at the same time', async () => {
    await state.put('area:taken', 'once', 60)
    const taken = await Promise.all(Array.from({ length: 20 }, () => state.take('area:taken')))
    expect(taken.filter((value) => value !== null)).toEqual(['once'])
    expect(await state.get('area:taken')).toBe(null)
  })

  it('counts each of twenty who count at the same time', async () => {
    const counts = await Promise.all(Array.from({ length: 20 }, () => state.count('area:counted', 60)))
    expect(counts.sort((one, other) => one - other)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
    await state.drop('area:counted')
    expect(await state.count('area:counted', 60)).toBe(1)
  })

  it('forgets values and counts when their time is over, which counting does not prolong', async () => {
    await state.put('area:brief', 'soon gone', 1)
    await state.put('area:brief-taken', 'soon gone', 1)
    expect(await state.count('area:brief-count', 1)).toBe(1)
    await wait(700)
    expect(await state.count('area:brief-count', 1)).toBe(2)
    await wait(700)
    expect([await state.get('area:brief'), await state.take('area:brief-taken')]).toEqual([null, null])
    expect(await state.count('area:brief-count', 1)).toBe(1)
  })
})

describe.each(places.filter(({ here }) => here))('the table of short-lived state on $name', ({ make }) => {
  it('holds nothing for long whose time is over', async () => {
    const { database, drop } = await make()
    const { orm, close } = await openDatabase(database)
    const state = databaseState(orm)
    for (let key = 0; key < 30; key++) await state.put(`old:${key}`, 'x', 0)
    await wait(10)
    await state.put('new:1', 'x', 60)
    await state.put('new:2', 'x', 60)
    const rows = await orm.em.getDriver().getConnection().execute('select key from auth_short_lived order by key')
    expect(rows).toEqual([{ key: 'new:1' }, { key: 'new:2' }])
    await close()
    await drop()
  })
})

describe.runIf(redisInstalled())('short-lived state whose Redis is away', () => {
  it('refuses with 503 whatever it is asked, at once or when it has waited, and works again afterwards', async () => {
    const server = await redisServer()
    const client = new Redis(server.url, { retryStrategy: () => 50 }).on('error', () => undefined)
    const state = redisState(client)
    const asked = () => [
      state.put('area:key', 'value', 60),
      state.get('area:key'),
      state.take('area:key'),
      state.count('area:count', 60),
      state.drop('area:key'),
    ]
    const refused = { httpCode: 503, code: 'unavailable' }
    await state.put('area:key', 'value', 60)
    server.pause()
    for (const answer of await Promise.allSettled(asked()))
      expect(answer).toMatchObject({ status: 'rejected', reason: refused })
    await server.kill()
    for (const answer of await Promise.allSettled(asked()))
      expect(answer).toMatchObject({ status: 'rejected', reason: refused })
    await server.start()
    await expect.poll(() => state.get('area:key').catch(() => 'away')).toBe(null)
    client.disconnect()
    await server.kill()
  })
})

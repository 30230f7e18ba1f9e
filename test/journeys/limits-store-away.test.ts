import 'reflect-metadata'
import { type FlexibleLimiterOptions, flexibleLimiter, limitTable } from '@countersign/adapters/rate-limiter-flexible'
import { auditedControllers, safeDefaults } from '@countersign/adapters/routing-controllers'
import type { AuditLimiter, AuditRow } from '@countersign/core'
import { AuditEvent, Throttle } from '@countersign/mixins'
import { Redis } from 'ioredis'
import pg from 'pg'
import { createExpressServer, JsonController, Post } from 'routing-controllers'
import { afterEach, describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { places, startSystem } from '../support/auth-systems.js'
import { emptyPostgres, postgresAvailable } from '../support/databases.js'
import { recording } from '../support/recording.js'
import { redisInstalled, redisServer } from '../support/redis.js'
import { post, serve } from '../support/serve.js'

const withRedis = redisInstalled()
const withPostgres = await postgresAvailable()
const closing: Array<() => unknown> = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A store that goes away and comes back, and what it still knows then. */
interface Outage {
  connect(): NonNullable<FlexibleLimiterOptions['store']>
  leave(): Promise<unknown>
  comeBack(): Promise<unknown>
}

async function ownRedis() {
  const server = await redisServer()
  closing.push(server.kill)
  return {
    server,
    connect() {
      const client = new Redis(server.url, { retryStrategy: () => 50 }).on('error', () => undefined)
      closing.push(() => client.disconnect())
      return client
    },
  }
}

async function redisKilled(): Promise<Outage> {
  const { server, connect } = await ownRedis()
  return { connect, leave: server.kill, comeBack: server.start }
}

async function redisPaused(): Promise<Outage> {
  const { server, connect } = await ownRedis()
  return { connect, leave: async () => server.pause(), comeBack: async () => server.resume() }
}

async function ownPostgres() {
  const database = await emptyPostgres()
  closing.push(database.drop)
  const connect = () => {
    const pool = new pg.Pool({ connectionString: database.url, max: 2 }).on('error', () => undefined)
    closing.push(() => pool.end())
    return pool
  }
  await connect().query(limitTable)
  return { database, connect }
}

async function databaseShut(): Promise<Outage> {
  const { database, connect } = await ownPostgres()
  return { connect, leave: database.shut, comeBack: database.open }
}

async function tableLocked(): Promise<Outage> {
  const { database, connect } = await ownPostgres()
  const holder = new pg.Client({ connectionString: database.url })
  await holder.connect()
  closing.push(() => holder.end())
  return {
    connect,
    leave: () => holder.query('begin; lock table audit_limit in access exclusive mode'),
    comeBack: () => holder.query('rollback'),
  }
}

async function tableDropped(): Promise<Outage> {
  const { connect } = await ownPostgres()
  const owner = connect()
  return { connect, leave: () => owner.query('drop table audit_limit'), comeBack: () => owner.query(limitTable) }
}

const outages = [
  {
    title: 'a Redis server that is killed',
    here: withRedis,
    error: /^(?:NOT_CONNECTED|TIMEOUT|MaxRetriesPerRequestError)$/,
    make: redisKilled,
  },
  {
    title: 'a Redis server that is stopped and answers nothing',
    here: withRedis,
    error: /^TIMEOUT$/,
    make: redisPaused,
  },
  {
    title: 'a PostgreSQL database that takes no connection any more',
    here: withPostgres,
    error: /^[A-Z0-9_]+$/,
    make: databaseShut,
  },
  { title: 'a PostgreSQL table that somebody locks', here: withPostgres, error: /^TIMEOUT$/, make: tableLocked },
  { title: 'a PostgreSQL table that is gone', here: withPostgres, error: /^42P01$/, make: tableDropped },
].filter(({ here }) => here)

const scopes = { login: { address: '3/h', failures: '3/h' } }
const events = (rows: readonly AuditRow[]): string[] => rows.map(({ event }) => event)

describe.each(outages)('limits in $title', ({ make, error }) => {
  const reserve = (limiter: AuditLimiter, address: string) => limiter.reserve('login', 'address', address)
  const allowed = async (limiter: AuditLimiter, address: string) => (await reserve(limiter, address))?.allowed

  it('hold by insurance, as two rows tell, and are counted in the store again when it is back', async () => {
    const outage = await make()
    const options = { scopes, patience: 1500, pause: 100 }
    const limiter = flexibleLimiter({ ...options, store: outage.connect() })
    const { rows, faults, trail } = recording({ limiter })
    expect((await reserve(limiter, '192.0.2.1'))?.remaining).toBe(2)

    await outage.leave()
    // The store does not answer before it comes back, further down: whoever waited for it would wait for ever.
    const meanwhile = []
    for (let attempt = 0; attempt < 5; attempt++) meanwhile.push(await allowed(limiter, '192.0.2.2'))
    expect(meanwhile).toEqual([true, true, true, false, false])
    await limiter.clear('login', 'failures', 'ada')
    await trail.settled()
    expect(events(rows)).toEqual(['degradation_start'])
    expect(rows[0]).toMatchObject({ severity: 'high', details: { component: 'limiter', reaction: 'insure' } })
    expect(rows[0]).toMatchObject({ reason: 'unavailable', details: { error: expect.stringMatching(error) } })

    await outage.comeBack()
    await expect
      .poll(
        async () => {
          await reserve(limiter, '192.0.2.3')
          return events(rows)
        },
        { timeout: 20_000, interval: 100 },
      )
      .toEqual(['degradation_start', 'degradation_end'])
    expect(rows[1]?.details).toEqual({ component: 'limiter', reaction: 'insure', seconds: expect.any(Number) })

    const other = flexibleLimiter({ ...options, store: outage.connect(), unreachable: 'refuse' })
    const shared = []
    for (const one of [limiter, other, limiter, other, limiter]) shared.push(await allowed(one, '192.0.2.4'))
    expect(shared).toEqual([true, true, true, false, false])
    expect([events(rows), faults]).toEqual([['degradation_start', 'degradation_end'], []])
  }, 60_000)

  it('refuse with 503 where it is said, and let through again by themselves', async () => {
    const outage = await make()
    const limiter = flexibleLimiter({
      scopes,
      store: outage.connect(),
      unreachable: 'refuse',
      patience: 1500,
      pause: 100,
    })
    const { rows, trail } = recording({ limiter })
    let runs = 0
    @JsonController()
    class LoginController {
      static readonly className = 'LoginController'
      static readonly actor = () => null
      @AuditEvent('login')
      @Throttle('login')
      @Post('/login')
      async login() {
        return { runs: ++runs }
      }
    }
    const served = await serve(
      createExpressServer({ ...safeDefaults, controllers: auditedControllers(trail, [LoginController]) }),
    )
    closing.push(served.close)
    const login = () => post(`${served.url}/login`, {})
    expect((await login()).status).toBe(200)

    await outage.leave()
    const refused = [await login(), await login()]
    for (const answer of refused) {
      expect(answer.status).toBe(503)
      expect(await answer.json()).toMatchObject({ code: 'unavailable' })
    }
    await expect(reserve(limiter, '192.0.2.2')).rejects.toMatchObject({ code: 'LIMITER_FAILED' })
    expect(runs).toBe(1)
    expect(events(rows).filter((event) => event !== 'login')).toEqual(['degradation_start'])

    await outage.comeBack()
    await expect.poll(async () => (await login()).status, { timeout: 20_000, interval: 100 }).not.toBe(503)
    await trail.settled()
    expect(events(rows).filter((event) => event !== 'login')).toEqual(['degradation_start', 'degradation_end'])
  }, 60_000)
})

describe.runIf(withRedis)('a Redis server that holds limits', () => {
  it('holds them under keys that begin with countersign:, each with an end', async () => {
    const { connect } = await ownRedis()
    const client = connect()
    const limiter = flexibleLimiter({ scopes: { login: { address: '3/min' } }, store: client })
    for (let attempt = 0; attempt < 2; attempt++) await limiter.reserve('login', 'address', '192.0.2.1')
    expect(await client.get('countersign:login:address:192.0.2.1')).toBe('2')
    expect(await client.ttl('countersign:login:address:192.0.2.1')).toBeGreaterThan(50)
    expect(await client.dbsize()).toBe(1)
    await limiter.clear('login', 'address', '192.0.2.1')
    expect(await client.dbsize()).toBe(0)
  })

  it('is not told later of attempts that were counted in memory while it was away', async () => {
    const { server } = await ownRedis()
    const client = new Redis(server.url, { retryStrategy: () => 60_000 }).on('error', () => undefined)
    closing.push(() => client.disconnect())
    const limiter = flexibleLimiter({ scopes, store: client, patience: 1500, pause: 0 })
    await limiter.reserve('login', 'address', '192.0.2.1')
    await server.kill()
    await expect.poll(() => client.status).toBe('reconnecting')
    for (let attempt = 0; attempt < 3; attempt++) await limiter.reserve('login', 'address', '192.0.2.1')
    await server.start()
    await client.connect()
    expect(await client.dbsize()).toBe(0)
    expect((await limiter.reserve('login', 'address', '192.0.2.1'))?.remaining).toBe(2)
  })

  it('is told what is counted by scripts, and never asked for its keys', async () => {
    const { connect } = await ownRedis()
    const client = connect()
    const limiter = flexibleLimiter({ scopes, store: client })
    for (let attempt = 0; attempt < 4; attempt++) await limiter.reserve('login', 'failures', 'ada')
    await limiter.clear('login', 'failures', 'ada')
    const commands = [...(await client.info('commandstats')).matchAll(/^cmdstat_(\S+?):/gm)].map(([, name]) => name)
    expect(commands).toContain('evalsha')
    expect(commands).not.toContain('keys')
    expect(commands).not.toContain('scan')
  })
})

describe.runIf(withRedis)('the auth server, when the Redis server of its limits goes away', () => {
  it('stays ready, limits by insurance, and has one row of the outage and one of its end', async () => {
    const { server, connect } = await ownRedis()
    const embedded = places[0] as (typeof places)[number]
    const system = await startSystem(embedded.make, { redis: connect(), limits: { login: '3/h' } })
    closing.push(() => system.close())
    const client = new AuthClient(system.url)
    const login = async () => (await client.post('/api/auth/login', { email: 'ada@example.org', password: 'x' })).status
    expect(await login()).toBe(401)
    await server.kill()
    expect([await login(), await login(), await login(), await login()]).toEqual([401, 401, 401, 429])
    expect((await client.get('/readyz')).status).toBe(200)
    await server.start()
    const degradations = async () => {
      await login()
      return events(await system.rows()).filter((event) => event.startsWith('degradation'))
    }
    await expect
      .poll(degradations, { timeout: 20_000, interval: 200 })
      .toEqual(['degradation_start', 'degradation_end'])
  }, 60_000)
})

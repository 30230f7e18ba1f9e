import { afterEach, describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { places, secret } from '../support/auth-systems.js'
import { postgresAvailable } from '../support/databases.js'
import { freePort } from '../support/free-port.js'
import { redisInstalled, redisServer } from '../support/redis.js'
import { allRows, killShared, startShared } from '../support/shared-systems.js'

const password = 'correct horse battery staple'
const closing: Array<() => unknown> = []
afterEach(async () => {
  await killShared()
  for (const close of closing.splice(0).reverse()) await close()
})

const postgres = await postgresAvailable()
const redis = redisInstalled()
const shared = places.find(({ name }) => name === 'PostgreSQL') as (typeof places)[number]
const embedded = places.find(({ name }) => name === 'PGlite') as (typeof places)[number]

const nobody = async () => `redis://127.0.0.1:${await freePort()}`
const own = async () => {
  const server = await redisServer()
  closing.push(server.kill)
  return server.url
}

// What is in one process or in one folder, nobody can share: there it is one process.
const systems = [
  { title: 'of two processes, counted in PostgreSQL', here: postgres, processes: 2, place: shared },
  { title: 'of two processes, counted in Redis', here: postgres && redis, processes: 2, place: shared, redisUrl: own },
  { title: 'of one process, counted in PGlite', here: true, processes: 1, place: embedded },
  {
    title: 'of one process, insured in its memory while its Redis is away',
    here: true,
    processes: 1,
    place: embedded,
    redisUrl: nobody,
  },
].filter(({ here }) => here)

const limits = [
  ['10 failures of an account', { login: { failures: '10/h' } }, 'failures'],
  ['10 attempts from an address', { login: { address: '10/h' } }, 'address'],
] as const

describe.each(systems)('50 wrong logins at once for one account $title', ({ processes, place, redisUrl }) => {
  it.each(limits)(
    'reach the password check 10 times where the limit is %s',
    async (_, login) => {
      const { database, drop } = await place.make()
      closing.push(drop)
      const settings = {
        database,
        secret,
        publicUrl: 'http://127.0.0.1:3000',
        limits: { signup: null, verify_account: null, ...login },
        lockouts: { account: null, address: null },
      }
      const counted = await redisUrl?.()
      const servers = [await startShared(settings, counted)]
      while (servers.length < processes) servers.push(await startShared(settings, counted))
      const clients = servers.map(({ url }) => new AuthClient(url))
      await clients[0]?.signUpAndVerify('ada@example.org', password)

      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, attempt) =>
          clients[attempt % processes]?.post('/api/auth/login', { email: 'ada@example.org', password: 'wrong' }),
        ),
      )
      const statuses = answers.map((answer) => answer?.status)
      expect([401, 429].map((status) => statuses.filter((one) => one === status).length)).toEqual([10, 40])

      for (const server of servers) await server.stop()
      const logins = (await allRows(database)).filter(({ event }) => event === 'login')
      const told = logins.map(({ outcome, reason }) => `${outcome} ${reason}`)
      expect(told.filter((one) => one === 'failure bad_credentials')).toHaveLength(10)
      expect(told.filter((one) => one === 'denied throttled')).toHaveLength(40)
      expect(logins).toHaveLength(50)
    },
    120_000,
  )
})

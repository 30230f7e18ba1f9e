import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mikroOrmReader } from '@countersign/adapters/mikro-orm'
import { openDatabase } from '@countersign/auth'
import type { AuditRow } from '@countersign/core'
import { afterEach, describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { places, secret } from '../support/auth-systems.js'
import { postgresAvailable } from '../support/databases.js'
import { freePort } from '../support/free-port.js'
import { redisInstalled, redisServer } from '../support/redis.js'

const script = new URL('../support/shared-limit-server.ts', import.meta.url).pathname
const password = 'correct horse battery staple'
const closing: Array<() => unknown> = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

interface Started {
  readonly url: string
  /** Ends it as an operator does; everything is stored when it has ended. */
  stop(): Promise<void>
}

async function start(settings: object, redisUrl?: string): Promise<Started> {
  const args = [script, JSON.stringify(settings), ...(redisUrl ? [redisUrl] : [])]
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = once(child, 'exit')
  closing.push(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await exit
  })
  let output = ''
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', (chunk) => {
      output += chunk
      const [address] = /^http:\S+$/m.exec(output) ?? []
      if (address) resolve(address)
    })
    child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${output}`)))
  })
  return {
    url,
    async stop() {
      child.kill('SIGTERM')
      await exit
    },
  }
}

async function allRows(database: Parameters<typeof openDatabase>[0]): Promise<AuditRow[]> {
  const { orm, close } = await openDatabase(database)
  const reader = mikroOrmReader(orm)
  const { items } = await reader.find({ limit: 500 })
  await reader.close()
  await close()
  return items
}

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
      }
      const counted = await redisUrl?.()
      const servers = [await start(settings, counted)]
      while (servers.length < processes) servers.push(await start(settings, counted))
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

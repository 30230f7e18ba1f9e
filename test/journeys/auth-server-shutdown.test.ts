import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { Agent, type RequestOptions, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { createAuthServer, type StoreLocation } from '@countersign/auth'
import type { AuditRow } from '@countersign/core'
import { afterEach, describe, expect, it } from 'vitest'
import { secret } from '../support/auth-systems.js'
import { migratedPostgres, postgresAvailable } from '../support/databases.js'
import { freshFolder } from '../support/fresh-folder.js'
import { migratedPgliteIn } from '../support/pglite-clusters.js'
import { sleep } from '../support/recording.js'
import { killAll, type ServerProcess, start } from '../support/server-process.js'

const withPostgres = await postgresAvailable()
const folder = freshFolder()
let folders = 0
async function freshData(): Promise<string> {
  const data = join(folder, `data-${folders++}`)
  await migratedPgliteIn('auth', data)
  return data
}
afterEach(killAll)

interface Sent {
  readonly id: string
  /** Null where the connection ended before the whole answer was there. */
  readonly answer: Promise<number | null>
}

let sent = 0

/** Logins that fail, each from an address of its own, so that no limit refuses one. */
function logins(server: ServerProcess, count: number, agent = new Agent()): Sent[] {
  return Array.from({ length: count }, () => {
    const number = ++sent
    const id = `shutdown-${String(number).padStart(6, '0')}`
    const headers = {
      'content-type': 'application/json',
      'x-request-id': id,
      'x-forwarded-for': `198.51.100.${number % 256}`,
    }
    const body = JSON.stringify({ email: `${id}@example.org`, password: 'wrong' })
    return { id, answer: statusOf(`${server.url}/api/auth/login`, { method: 'POST', agent, headers }, body) }
  })
}

function statusOf(url: string, options: RequestOptions, body = ''): Promise<number | null> {
  return new Promise((resolve) => {
    request(url, options, (response) => {
      response.on('end', () => resolve(response.statusCode ?? null))
      response.on('error', () => resolve(null)).resume()
    })
      .on('error', () => resolve(null))
      .end(body)
  })
}

/** Connections that the server has accepted, and keeps. */
async function connections({ url }: ServerProcess, count: number): Promise<Agent> {
  const agent = new Agent({ keepAlive: true, maxSockets: count, maxFreeSockets: count })
  await Promise.all(Array.from({ length: count }, () => statusOf(`${url}/healthz`, { agent })))
  return agent
}

async function acknowledged(requests: readonly Sent[]): Promise<string[]> {
  const answers = await Promise.all(requests.map(({ answer }) => answer))
  return requests.filter((_, index) => answers[index] !== null).map(({ id }) => id)
}

/** A request that never ends, which a shutdown in order waits for. */
async function unfinished({ url }: ServerProcess): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname).on('error', () => undefined)
  await once(socket, 'connect')
  socket.write(`POST /api/auth/login HTTP/1.1\r\nHost: ${hostname}\r\n`)
  socket.write('Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{')
  return socket
}

/** Sends the signal twice, and again where two at once arrived as one. */
async function endAtOnce(server: ServerProcess): Promise<number | null> {
  server.process.kill('SIGTERM')
  while (server.process.exitCode === null && server.process.signalCode === null) {
    await sleep(20)
    server.process.kill('SIGTERM')
  }
  return server.exit
}

/** What a next process finds in the store when it has replayed the spool. */
async function rowsAfterRestart(data: string, database: StoreLocation): Promise<AuditRow[]> {
  const spoolFolder = join(data, 'spool')
  const next = await createAuthServer({ database, secret, publicUrl: 'http://127.0.0.1:3000', spoolFolder })
  try {
    await next.trail.settled()
    expect(next.trail.health).toMatchObject({ reachable: true, spooledRows: 0 })
    return [...(await next.services.reader.find({ limit: 500 })).items]
  } finally {
    await next.close()
  }
}

const timesOf = (rows: readonly AuditRow[], ids: readonly string[]): number[] =>
  ids.map((id) => rows.filter(({ requestId }) => requestId === id).length)

const onceEach = (ids: readonly string[]): number[] => ids.map(() => 1)

describe('the first signal', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s lets what is under way be answered, with its rows',
    async (signal) => {
      const data = await freshData()
      const server = await start({ DATA_DIR: data, SECRET_KEY: secret, TRUST_PROXY: '1' })
      const requests = logins(server, 12, await connections(server, 12))
      await Promise.race(requests.map(({ answer }) => answer))
      server.process.kill(signal)
      const answers = await Promise.all(requests.map(({ answer }) => answer))
      expect(answers).toEqual(requests.map(() => 401))
      expect(await server.exit).toBe(0)
      expect(await readdir(join(data, 'spool'))).toEqual([])
      const ids = requests.map(({ id }) => id)
      expect(timesOf(await rowsAfterRestart(data, { folder: data }), ids)).toEqual(onceEach(ids))
    },
    90_000,
  )

  it('does not wait for ever for a client that never finishes', async () => {
    const server = await start({ DATA_DIR: await freshData(), SECRET_KEY: secret })
    const socket = await unfinished(server)
    server.process.kill('SIGTERM')
    expect(await server.exit).toBe(0)
    socket.destroy()
  }, 90_000)
})

describe('the second signal', () => {
  it('ends the process at once, and every answered attempt has its row, once', async () => {
    const data = await freshData()
    const server = await start({ DATA_DIR: data, SECRET_KEY: secret, TRUST_PROXY: '1' })
    const socket = await unfinished(server)
    const requests = logins(server, 30)
    await Promise.race(requests.map(({ answer }) => answer))
    expect(await endAtOnce(server)).toBe(1)
    socket.destroy()
    const ids = await acknowledged(requests)
    expect(ids.length).toBeGreaterThan(0)
    expect(timesOf(await rowsAfterRestart(data, { folder: data }), ids)).toEqual(onceEach(ids))
  }, 90_000)

  it.runIf(withPostgres)(
    'costs no row that waits in the spool, because its database is away',
    async () => {
      const data = await freshData()
      const { url, shut, open, drop } = await migratedPostgres('auth')
      const env = { DATA_DIR: data, DATABASE_URL: url, SECRET_KEY: secret, TRUST_PROXY: '1' }
      const server = await start(env)
      const before = logins(server, 3)
      const answered = await acknowledged(before)
      await shut()
      const socket = await unfinished(server)
      const during = logins(server, 5)
      const answers = await Promise.all(during.map(({ answer }) => answer))
      expect(answers, server.output()).toEqual(during.map(() => 503))
      expect(await endAtOnce(server)).toBe(1)
      socket.destroy()
      await open()
      const ids = [...answered, ...during.map(({ id }) => id)]
      expect(timesOf(await rowsAfterRestart(data, { url }), ids)).toEqual(onceEach(ids))
      await drop()
    },
    120_000,
  )
})

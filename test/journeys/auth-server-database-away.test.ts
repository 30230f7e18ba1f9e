import { connect, createServer, type Server, type Socket } from 'node:net'
import { openDatabase } from '@countersign/auth'
import { afterEach, describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { places, startSystem, type TestSystem, unlimited } from '../support/auth-systems.js'
import { migratedPostgres, postgresAvailable } from '../support/databases.js'

const password = 'correct horse battery staple'
const withPostgres = await postgresAvailable()
const closing: Array<() => Promise<void>> = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function started(system: Promise<TestSystem>): Promise<TestSystem> {
  const running = await system
  closing.push(() => running.close())
  return running
}

/** Passes everything on to a server, until it is told to swallow it. */
async function tunnelTo(target: URL): Promise<{ url: string; swallow(): void; recover(): void }> {
  const sockets = new Set<Socket>()
  let swallowing = false
  const server = createServer((client) => {
    sockets.add(client.on('error', () => undefined))
    if (swallowing) return
    const upstream = connect(Number(target.port || 5432), target.hostname)
    sockets.add(upstream.on('error', () => undefined))
    client.pipe(upstream).pipe(client)
  })
  const port = await listening(server)
  closing.push(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  const url = new URL(target)
  url.host = `127.0.0.1:${port}`
  return {
    url: url.href,
    swallow() {
      swallowing = true
      for (const socket of sockets) socket.unpipe().pause()
    },
    // The connections that were there stay dead, as those of a failed-over server do.
    recover() {
      swallowing = false
    },
  }
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as { port: number }).port
}

const embedded = (places[0] as (typeof places)[number]).make

describe('a server whose database is away', () => {
  it('answers a look into the mailbox with a problem, and goes on', async () => {
    const system = await started(startSystem(embedded))
    const client = new AuthClient(system.url)
    await system.auth.database.orm.em.getDriver().getConnection().execute('drop table auth_mail')
    const answer = await client.get('/dev/mailbox.json')
    expect(answer.status).toBeGreaterThanOrEqual(500)
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect((await client.get('/healthz')).status).toBe(200)
  })

  it('refuses what it can not count, as two rows tell, and lets it through again', async () => {
    const system = await started(startSystem(embedded))
    const client = new AuthClient(system.url)
    const login = async () => (await client.post('/api/auth/login', { email: 'ada@example.org', password })).status
    const database = system.auth.database.orm.em.getDriver().getConnection()
    await database.execute('alter table audit_limit rename to elsewhere')
    expect([await login(), await login()]).toEqual([503, 503])
    await database.execute('alter table elsewhere rename to audit_limit')
    expect(await login()).toBe(401)
    await system.auth.trail.settled()
    const rows = await system.rows()
    expect(rows.map(({ event, outcome, reason }) => `${event} ${outcome} ${reason}`).sort()).toEqual([
      'degradation_end success null',
      'degradation_start failure unavailable',
      'login failure unavailable',
      'login failure unavailable',
      'login failure unknown_account',
    ])
    expect(rows.find(({ event }) => event === 'degradation_start')?.details).toEqual({
      component: 'limiter',
      reaction: 'refuse',
      error: '42P01',
    })
  }, 90_000)

  it.each([
    ['hangs', () => new Promise<never>(() => undefined)],
    ['fails', () => Promise.reject(new Error('gone'))],
  ])('is not ready while it %s, and says so within two seconds', async (_title, checkConnection) => {
    const system = await started(startSystem(embedded))
    const client = new AuthClient(system.url)
    expect((await client.get('/readyz')).status).toBe(200)
    Object.assign(system.auth.database.orm, { checkConnection })
    const before = performance.now()
    const answer = await client.get('/readyz')
    expect([answer.status, answer.json]).toEqual([503, { status: 'unready', store: 'away', spool: 'ok' }])
    expect(performance.now() - before).toBeLessThan(2000)
  })

  it('does not start on an address that takes connections and never answers', async () => {
    const sockets: Socket[] = []
    const hole = createServer((socket) => sockets.push(socket.on('error', () => undefined)))
    const port = await listening(hole)
    closing.push(async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => hole.close(resolve))
    })
    await expect(openDatabase({ url: `postgres://postgres@127.0.0.1:${port}/nothing` })).rejects.toMatchObject({
      code: 'STORE_UNREACHABLE',
    })
  })

  it.runIf(withPostgres)(
    'begins its work in the background when it is back, where it went away before that',
    async () => {
      const { url, shut, open, drop } = await migratedPostgres('auth')
      const system = await started(startSystem(async () => ({ database: { url }, drop })))
      const faults: string[] = []
      system.auth.trail.signals.on('fault', ({ error }) => void faults.push(error.code))
      await shut()
      const begun = system.auth.start()
      await expect.poll(() => faults).toContain('JOBS_FAILED')
      await open()
      await begun
      const connection = system.auth.database.orm.em.getDriver().getConnection()
      expect(await connection.execute('select name from countersign_jobs.queue')).toContainEqual({
        name: 'audit_request',
      })
    },
    60_000,
  )

  it.runIf(withPostgres)(
    'answers within the time limit when the database falls silent, and again when it is back',
    async () => {
      const { url, drop } = await migratedPostgres('auth')
      const tunnel = await tunnelTo(new URL(url))
      const system = await started(
        startSystem(async () => ({ database: { url: tunnel.url }, drop }), { limits: unlimited }),
      )
      const client = new AuthClient(system.url)
      await client.signUpAndVerify('ada@example.org', password)
      const login = () => client.post('/api/auth/login', { email: 'ada@example.org', password })
      expect((await login()).status).toBe(200)
      tunnel.swallow()
      expect((await client.get('/readyz')).status).toBe(503)
      expect((await login()).status).toBeGreaterThanOrEqual(500)
      tunnel.recover()
      await expect.poll(async () => (await login()).status, { timeout: 60_000, interval: 500 }).toBe(200)
    },
    120_000,
  )
})

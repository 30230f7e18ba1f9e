import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { ownSystem, places, quickest, startSystem, type TestSystem, unlimited } from '../support/auth-systems.js'
import { migratedPostgres, postgresAvailable } from '../support/databases.js'
import { freshFolder } from '../support/fresh-folder.js'

const embedded = (places[0] as (typeof places)[number]).make
const withPostgres = await postgresAvailable()
const folder = freshFolder()
let folders = 0
const freshSpool = (): string => join(folder, `spool-${folders++}`)
const closing: Array<() => Promise<void>> = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function started(system: Promise<TestSystem>): Promise<TestSystem> {
  const running = await system
  closing.push(() => running.close())
  return running
}

const wrongLogin = { email: 'nobody@example.org', password: 'wrong and long enough' }
const ready = [200, { status: 'ready' }]

async function readiness({ url }: TestSystem): Promise<unknown[]> {
  const { status, json } = await new AuthClient(url).get('/readyz')
  return [status, json]
}

/** Requests that came to a server of this process at this path, while something runs. */
async function arriving(path: string, run: (arrived: () => number) => Promise<void>): Promise<void> {
  let arrived = 0
  const count = (message: unknown): void => {
    if ((message as { request: IncomingMessage }).request.url === path) arrived++
  }
  subscribe('http.server.request.start', count)
  await run(() => arrived).finally(() => unsubscribe('http.server.request.start', count))
}

/** Asks with a Host of one's choice, and from an address of one's choice. */
function metricsOf({ url }: TestSystem, headers: Record<string, string> = {}, localAddress = '127.0.0.1') {
  return new Promise<{ status: number | undefined; type: string | undefined; text: string }>((resolve, reject) => {
    request(`${url}/metrics`, { headers, localAddress }, (response) => {
      let text = ''
      response.on('data', (chunk) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode, type: response.headers['content-type'], text }))
    })
      .on('error', reject)
      .end()
  })
}

const shared = ownSystem(embedded)

describe('/readyz', () => {
  const spooling = ownSystem(quickest, { spoolFolder: freshSpool() })

  it('is ready with a store and a spool, and with a store alone', async () => {
    expect(await readiness(shared())).toEqual(ready)
    expect(await readiness(spooling())).toEqual(ready)
  })

  it.runIf(withPostgres)(
    'tells that the store is away, with nothing lost, and of its return without another request',
    async () => {
      const { url, shut, open, drop } = await migratedPostgres('auth')
      const settings = { spoolFolder: freshSpool(), limits: unlimited }
      const system = await started(startSystem(async () => ({ database: { url }, drop }), settings))
      const { trail } = system.auth
      await shut()
      expect(await readiness(system)).toEqual([503, { status: 'unready', store: 'away', spool: 'ok' }])
      const answer = await new AuthClient(system.url).post('/api/auth/login', wrongLogin)
      expect(answer.status).toBeGreaterThanOrEqual(500)
      expect(trail.health).toMatchObject({ reachable: false, spooling: true })
      expect(trail.health.spooledRows).toBeGreaterThan(0)
      await open()
      await expect.poll(() => readiness(system), { timeout: 20_000 }).toEqual(ready)
      expect(trail.counts.lost).toBe(0)
      expect((await system.rows()).map(({ event }) => event)).toContain('login')
    },
    60_000,
  )

  it.runIf(withPostgres)(
    'tells that the spool fails, and of its recovery without another request',
    async () => {
      const { url, shut, open, drop } = await migratedPostgres('auth')
      const spoolFolder = freshSpool()
      const settings = { spoolFolder, limits: unlimited }
      const system = await started(startSystem(async () => ({ database: { url }, drop }), settings))
      system.auth.trail.signals.on('fault', () => undefined)
      await shut()
      await rm(spoolFolder, { recursive: true })
      await writeFile(spoolFolder, 'no folder any more')
      await new AuthClient(system.url).post('/api/auth/login', wrongLogin)
      expect(await readiness(system)).toEqual([503, { status: 'unready', store: 'away', spool: 'failing' }])
      await open()
      await expect
        .poll(() => readiness(system), { timeout: 20_000 })
        .toEqual([503, { status: 'unready', store: 'ok', spool: 'failing' }])
      await rm(spoolFolder)
      await mkdir(spoolFolder)
      expect(await readiness(system)).toEqual(ready)
    },
    60_000,
  )

  it('asks the database once for all who ask at the same moment', async () => {
    const { orm } = shared().auth.database
    let answer = (_: { ok: true }): void => undefined
    const held = new Promise<{ ok: true }>((resolve) => (answer = resolve))
    const check = vi.spyOn(orm, 'checkConnection').mockReturnValue(held)
    await arriving('/readyz', async (arrived) => {
      const answers = Array.from({ length: 5 }, () => readiness(shared()))
      await expect.poll(arrived, { interval: 5 }).toBe(5)
      answer({ ok: true })
      expect(await Promise.all(answers)).toEqual(Array(5).fill(ready))
      expect(check).toHaveBeenCalledOnce()
    }).finally(() => check.mockRestore())
  })
})

const metricsToken = 'a-token-that-nobody-guesses'

describe('/metrics', () => {
  const guarded = ownSystem(quickest, { metricsToken, proxies: 1 })

  it('tells what the trail did, in the text format of Prometheus', async () => {
    await new AuthClient(shared().url).post('/api/auth/login', wrongLogin)
    const { status, type, text } = await metricsOf(shared())
    expect([status, type]).toEqual([200, expect.stringMatching(/^text\/plain; version=0\.0\.4/)])
    expect(text).toContain('countersign_rows_total{event="login",outcome="failure",where="store"} 1\n')
    expect(text).toContain('countersign_store_reachable 1\n')
    expect(text).not.toContain('nobody')
  })

  it.each(['X-Forwarded-For', 'Forwarded', 'X-Real-IP', 'Via'])(
    'is not there for what a proxy passes on, whatever %s says',
    async (header) => {
      expect((await metricsOf(shared(), { [header]: '127.0.0.1' })).status).toBe(404)
      expect((await metricsOf(shared())).status).toBe(200)
    },
  )

  it.each([[1], [['10.0.0.0/8']]])('is not there without a token where proxies are (%o)', async (proxies) => {
    const system = await started(startSystem(quickest, { proxies }))
    expect((await metricsOf(system)).status).toBe(404)
    expect((await metricsOf(system, { 'X-Forwarded-For': '127.0.0.1' })).status).toBe(404)
  })

  it('is there with its token and with no other, also through a proxy', async () => {
    const status = async (headers: Record<string, string>) => (await metricsOf(guarded(), headers)).status
    expect(await status({})).toBe(404)
    for (const wrong of ['', 'Bearer', `Bearer ${metricsToken}x`, `Bearer ${metricsToken.slice(1)}`, metricsToken])
      expect([wrong, await status({ authorization: wrong })]).toEqual([wrong, 404])
    expect(await status({ authorization: `Basic ${metricsToken}` })).toBe(404)
    expect(await status({ authorization: `Bearer ${metricsToken}` })).toBe(200)
    expect(await status({ authorization: `bearer ${metricsToken}`, 'X-Forwarded-For': '203.0.113.7' })).toBe(200)
  })

  it('answers who may not read it as it answers for a path that is not there', async () => {
    const client = new AuthClient(guarded().url)
    const [refused, missing] = [await client.get('/metrics'), await client.get('/nothing')]
    expect(refused.text.replaceAll('/metrics', '/nothing')).toBe(missing.text)
    expect(refused.status).toBe(missing.status)
  })
})

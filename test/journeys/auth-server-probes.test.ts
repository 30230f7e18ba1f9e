import { mkdir, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { places, startSystem, type TestSystem, unlimited } from '../support/auth-systems.js'
import { emptyPostgres, postgresAvailable } from '../support/databases.js'
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

describe('/readyz', () => {
  it('is ready with a store and a spool, and with a store alone', async () => {
    const alone = await started(startSystem(embedded))
    expect(await readiness(alone)).toEqual(ready)
    const both = await started(startSystem(embedded, { spoolFolder: freshSpool() }))
    expect(await readiness(both)).toEqual(ready)
  })

  it.runIf(withPostgres)(
    'tells that the store is away, with nothing lost, and of its return without another request',
    async () => {
      const { url, shut, open, drop } = await emptyPostgres()
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
      const { url, shut, open, drop } = await emptyPostgres()
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
    const system = await started(startSystem(embedded))
    const { orm } = system.auth.database
    let asked = 0
    const checkConnection = () => {
      asked++
      return new Promise((resolve) => setTimeout(resolve, 300, { ok: true }))
    }
    Object.assign(orm, { checkConnection })
    const answers = await Promise.all(Array.from({ length: 20 }, () => readiness(system)))
    expect(new Set(answers.map(([status]) => status))).toEqual(new Set([200]))
    expect(asked).toBeLessThan(20)
  })
})

describe('/metrics', () => {
  it('tells what the trail did, in the text format of Prometheus', async () => {
    const system = await started(startSystem(embedded))
    await new AuthClient(system.url).post('/api/auth/login', wrongLogin)
    const { status, type, text } = await metricsOf(system)
    expect([status, type]).toEqual([200, expect.stringMatching(/^text\/plain; version=0\.0\.4/)])
    expect(text).toContain('countersign_rows_total{event="login",outcome="failure",where="store"} 1\n')
    expect(text).toContain('countersign_store_reachable 1\n')
    expect(text).not.toContain('nobody')
  })

  it.each(['X-Forwarded-For', 'Forwarded', 'X-Real-IP', 'Via'])(
    'is not there for what a proxy passes on, whatever %s says',
    async (header) => {
      const system = await started(startSystem(embedded))
      expect((await metricsOf(system, { [header]: '127.0.0.1' })).status).toBe(404)
    },
  )

  it.each([[1], [['10.0.0.0/8']]])('is not there without a token where proxies are (%o)', async (proxies) => {
    const system = await started(startSystem(embedded, { proxies }))
    expect((await metricsOf(system)).status).toBe(404)
    expect((await metricsOf(system, { 'X-Forwarded-For': '127.0.0.1' })).status).toBe(404)
  })

  it('is there with its token and with no other, also through a proxy', async () => {
    const metricsToken = 'a-token-that-nobody-guesses'
    const system = await started(startSystem(embedded, { metricsToken, proxies: 1 }))
    const status = async (headers: Record<string, string>) => (await metricsOf(system, headers)).status
    expect(await status({})).toBe(404)
    for (const wrong of ['', 'Bearer', `Bearer ${metricsToken}x`, `Bearer ${metricsToken.slice(1)}`, metricsToken])
      expect([wrong, await status({ authorization: wrong })]).toEqual([wrong, 404])
    expect(await status({ authorization: `Basic ${metricsToken}` })).toBe(404)
    expect(await status({ authorization: `Bearer ${metricsToken}` })).toBe(200)
    expect(await status({ authorization: `bearer ${metricsToken}`, 'X-Forwarded-For': '203.0.113.7' })).toBe(200)
  })

  it('answers who may not read it as it answers for a path that is not there', async () => {
    const system = await started(startSystem(embedded, { metricsToken: 'a-token-that-nobody-guesses' }))
    const client = new AuthClient(system.url)
    const [refused, missing] = [await client.get('/metrics'), await client.get('/nothing')]
    expect(refused.text.replaceAll('/metrics', '/nothing')).toBe(missing.text)
    expect(refused.status).toBe(missing.status)
  })
})

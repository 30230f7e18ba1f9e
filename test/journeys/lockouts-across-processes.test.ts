import pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { places, secret, unlimited } from '../support/auth-systems.js'
import { postgresAvailable } from '../support/databases.js'
import { password } from '../support/password-journeys.js'
import { allRows, killShared, startShared } from '../support/shared-systems.js'

const closing: Array<() => unknown> = []
afterEach(async () => {
  await killShared()
  for (const close of closing.splice(0).reverse()) await close()
})

const place = (name: string) => places.find((one) => one.name === name) as (typeof places)[number]
const systems = [
  {
    title: 'on two processes that share PostgreSQL',
    here: await postgresAvailable(),
    at: place('PostgreSQL'),
    processes: 2,
  },
  { title: 'on one process with PGlite', here: true, at: place('PGlite'), processes: 1 },
].filter(({ here }) => here)

// THR-02, THR-17, ENU-11
describe.each(systems)('50 wrong logins at once, without any other limit, $title', ({ at, processes }) => {
  it.each(['ada@example.org', 'nobody@example.org'])(
    'reach the password of %s five times, and lock it once, also after a restart',
    async (email) => {
      const { database, drop } = await at.make()
      closing.push(drop)
      const settings = { database, secret, publicUrl: 'http://127.0.0.1:3000', limits: unlimited }
      const servers = []
      while (servers.length < processes) servers.push(await startShared(settings))
      const clients = servers.map(({ url }) => new AuthClient(url))
      await clients[0]?.signUpAndVerify('ada@example.org', password)

      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, attempt) =>
          clients[attempt % processes]?.post('/api/auth/login', { email, password: 'wrong' }),
        ),
      )
      const statuses = answers.map((answer) => answer?.status)
      expect([401, 429].map((status) => statuses.filter((one) => one === status).length)).toEqual([5, 45])

      for (const server of servers) await server.stop()
      const again = await startShared(settings)
      const late = await new AuthClient(again.url).post('/api/auth/login', { email, password })
      expect(late.status).toBe(429)
      expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(600)
      const mails = (await new AuthClient(again.url).get('/dev/mailbox.json')).json as Array<{ subject: string }>
      const told = mails.filter(({ subject }) => subject === 'Somebody failed to log in to your account')
      expect(told).toHaveLength(email === 'ada@example.org' ? 1 : 0)
      await again.stop()

      const rows = await allRows(database)
      const logins = rows.filter(({ event }) => event === 'login')
      expect(logins.filter(({ outcome }) => outcome === 'failure')).toHaveLength(5)
      expect(logins.filter(({ outcome, reason }) => outcome === 'denied' && reason === 'locked')).toHaveLength(46)
      expect(rows.filter(({ event }) => event === 'lockout_start')).toHaveLength(1)
    },
    120_000,
  )
})

// THR-16
describe.runIf(await postgresAvailable())('20 wrong logins at once at two processes, again and again', () => {
  it('begin one lock each time, longer than the one before', async () => {
    const { database, drop } = await place('PostgreSQL').make()
    closing.push(drop)
    const lockouts = { address: null }
    const settings = { database, secret, publicUrl: 'http://127.0.0.1:3000', limits: unlimited, lockouts }
    const servers = [await startShared(settings), await startShared(settings)]
    const client = new pg.Client((database as { url: string }).url)
    await client.connect()
    closing.push(() => client.end())
    const lasting = [900, 1800, ...Array<number>(23).fill(3600)]
    const login = (nth: number) =>
      new AuthClient(servers[nth % 2]?.url ?? '').post('/api/auth/login', { email: 'nobody@example.org', password })

    for (const seconds of lasting) {
      const answers = await Promise.all(Array.from({ length: 20 }, (_, nth) => login(nth)))
      expect(answers.filter(({ status }) => status === 401)).toHaveLength(5)
      for (const nth of [0, 1]) {
        const wait = Number((await login(nth)).headers.get('retry-after'))
        expect([wait <= seconds, wait > seconds - 30]).toEqual([true, true])
      }
      await client.query(
        "update auth_lockout set locked_until = now() - interval '1 second' where locked_until is not null",
      )
    }

    for (const server of servers) await server.stop()
    const { rows } = await client.query<{ event: string; lock: string }>(
      "select event, details ->> 'lock' as lock from audit_event where event in ('lockout_start', 'lockout_end')",
    )
    const locksOf = (name: string) => rows.filter(({ event }) => event === name).map(({ lock }) => lock)
    expect(locksOf('lockout_start')).toHaveLength(lasting.length)
    expect(new Set(locksOf('lockout_start')).size).toBe(lasting.length)
    // The last one ends by a login or a sweep, and there may have been neither.
    expect([lasting.length - 1, lasting.length]).toContain(locksOf('lockout_end').length)
    expect(new Set(locksOf('lockout_end')).size).toBe(locksOf('lockout_end').length)
  }, 120_000)
})

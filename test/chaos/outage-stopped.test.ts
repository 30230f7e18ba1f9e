import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { freshFolder } from '../support/fresh-folder.js'
import { clusterAvailable, type PostgresCluster, postgresCluster } from '../support/postgres-cluster.js'
import { Account, caughtUp, isAscending } from './outage-account.js'
import { Load } from './outage-load.js'
import { type OutageServer, outageServer } from './outage-server.js'

const patience = 5000
const down = { reachable: false, spooling: true }
const up = { reachable: true, spooling: true }

describe.runIf(clusterAvailable())('while PostgreSQL is stopped and started under load', () => {
  let cluster: PostgresCluster
  let server: OutageServer

  beforeAll(async () => {
    cluster = await postgresCluster()
  })
  afterEach(() => server.close())
  afterAll(() => cluster.remove())

  const isAway = () => expect.poll(() => server.trail.health, { timeout: 20_000 }).toMatchObject(down)

  it.each(['fast', 'immediate'] as const)(
    '(%s) each attempt that was answered has one row, and health tells the truth',
    async (mode) => {
      server = await outageServer({ direct: await cluster.database(), folder: freshFolder(), patience })
      const { deliveries, faults, losses, trail } = server
      const load = new Load(server)
      await load.more(100)
      expect(trail.health).toMatchObject(up)

      await cluster.stop(mode)
      await load.more(8)
      await isAway()
      const directBefore = deliveries.direct.length
      const allBefore = deliveries.writes.length
      const spooledBefore = deliveries.spooled.length
      const during = await load.more(400)
      expect(trail.health).toMatchObject(down)
      expect(trail.health.spooledRows).toBeGreaterThanOrEqual(400)
      expect(deliveries.direct.length - directBefore, 'no attempt asks a store that is away').toBe(0)
      expect(deliveries.writes.length - allBefore, 'the spool asks now and then').toBeLessThan(40)
      expect(deliveries.spooled.length - spooledBefore).toBeGreaterThanOrEqual(390)
      for (const { kind, status } of during)
        expect([kind, status]).toEqual([kind, { joined: 503, denied: 403 }[kind as string] ?? 200])

      await cluster.start()
      await caughtUp(server)
      const after = await load.more(100)
      expect(after.slice(20).every(({ kind, status }) => status === (kind === 'denied' ? 403 : 200))).toBe(true)
      const asked = await load.stop()
      await caughtUp(server)
      expect(trail.health).toMatchObject(up)

      const account = await Account.of(server, asked)
      expect(account.wrongs).toEqual([])
      expect(asked.filter(({ status }) => status === null)).toEqual([])
      expect(asked.filter(({ milliseconds }) => milliseconds >= patience)).toEqual([])
      expect(trail.counts).toEqual({ recorded: account.rows.length, vetoed: 0, lost: 0 })
      expect([account.count('degradation_start'), account.count('degradation_end'), losses]).toEqual([1, 1, []])
      expect(faults).toEqual([])

      expect(deliveries.replayed).toEqual(deliveries.spooled)
      const transactions = account.transactionsOf(deliveries.spooled.slice(spooledBefore))
      expect(isAscending(transactions), 'the store took the rows of the spool in their order').toBe(true)
      expect(new Set(transactions).size, 'and not all at once').toBeGreaterThan(1)
    },
  )

  it('twice, there are two outages, and the same promises', async () => {
    server = await outageServer({ direct: await cluster.database(), folder: freshFolder(), patience })
    const load = new Load(server)
    for (const mode of ['immediate', 'fast'] as const) {
      await load.more(50)
      await cluster.stop(mode)
      await isAway()
      await load.more(100)
      await cluster.start()
      await caughtUp(server)
    }
    const asked = await load.stop()
    await caughtUp(server)
    const account = await Account.of(server, asked)
    expect(account.wrongs).toEqual([])
    expect([account.count('degradation_start'), account.count('degradation_end')]).toEqual([2, 2])
    expect(server.trail.counts.lost).toBe(0)
    expect(server.deliveries.replayed).toEqual(server.deliveries.spooled)
  })

  it('an event whose policy is open loses what it may lose, counted, and the account finds each of them', async () => {
    server = await outageServer({ direct: await cluster.database(), folder: freshFolder(), patience })
    const load = new Load(server, { kinds: ['open', 'awaited'] })
    await load.more(20)
    await cluster.stop('fast')
    await isAway()
    await load.more(50)
    await cluster.start()
    await caughtUp(server)
    const asked = await load.stop()
    await expect.poll(async () => (await Account.of(server, asked)).count('audit_loss'), { timeout: 20_000 }).toBe(1)
    const { wrongs } = await Account.of(server, asked)
    const { lost } = server.trail.counts
    expect(lost).toBeGreaterThan(10)
    expect(wrongs).toEqual(Array(lost).fill('open 200: no row'))
    expect(server.losses).toHaveLength(lost)
  })
})

import { afterEach, describe, expect, it } from 'vitest'
import type { CutProxy } from '../support/cut-proxy.js'
import { postgresAvailable } from '../support/databases.js'
import { Account, caughtUp } from './outage-account.js'
import { Load, request } from './outage-load.js'
import type { OutageServer } from './outage-server.js'
import { type OutageSystem, outageSystem } from './outage-system.js'

const patience = 1000
const kinds = ['awaited', 'deferred', 'denied'] as const
const clients = 8

describe.runIf(await postgresAvailable())('where PostgreSQL', () => {
  let system: OutageSystem
  let proxy: CutProxy
  let server: OutageServer

  const open = async (milliseconds = patience) => {
    system = await outageSystem({ patience: milliseconds })
    ;({ proxy, server } = system)
  }
  afterEach(() => system.close())

  const isAway = () => expect.poll(() => server.trail.health.reachable, { timeout: 20_000 }).toBe(false)
  const direct = () => server.deliveries.direct.length
  const told = async () =>
    (await server.ask("select event from audit_event where event like 'degradation%' order by id")).flat()

  it('answers a little late, attempts wait for it, share their writes, and nothing goes to the spool', async () => {
    // So that a starved machine is not what they wait for in vain.
    await open(20_000)
    proxy.delay(50)
    const load = new Load(server, { kinds: ['awaited', 'denied'], clients: 40 })
    await load.more(200)
    const asked = await load.stop()
    expect((await Account.of(server, asked)).wrongs).toEqual([])
    expect(server.deliveries.spooled).toEqual([])
    expect(server.trail.health).toMatchObject({ reachable: true, waiting: 0 })
    expect(await told()).toEqual([])
  })

  it('answers later than anybody waits for, rows go to the spool, and late writes double nothing', async () => {
    await open()
    const load = new Load(server, { kinds, clients })
    await load.more(50)
    proxy.delay(700)
    await isAway()
    const before = direct()
    await load.more(500)
    expect(direct() - before, 'who asks later does not wait').toBe(0)
    expect(server.trail.counts.lost).toBe(0)
    expect(server.deliveries.spooled.length).toBeGreaterThan(400)
    proxy.delay(0)
    await caughtUp(server)
    const asked = await load.stop()
    await caughtUp(server)
    const account = await Account.of(server, asked)
    expect(account.wrongs).toEqual([])
    expect(server.trail.counts).toEqual({ recorded: account.rows.length, vetoed: 0, lost: 0 })
    expect(server.losses).toEqual([])
    expect(account.count('degradation_start')).toBe(account.count('degradation_end'))
  })

  it('stays too slow, the outage is told of once, and not again and again', async () => {
    await open()
    await request(server.url, 'awaited')
    proxy.delay(700)
    await request(server.url, 'awaited')
    await isAway()
    const writes = () => server.deliveries.writes.filter(({ state }) => state === 'stored').length
    const before = writes()
    await request(server.url, 'awaited')
    await expect.poll(writes, { timeout: 20_000 }).toBeGreaterThan(before + 2)
    expect(await told()).toEqual(['degradation_start'])
    expect(server.trail.health.reachable).toBe(false)
    proxy.delay(0)
    await caughtUp(server)
    expect(await told()).toEqual(['degradation_start', 'degradation_end'])
  })

  it('takes connections and answers nothing, only those who ask first wait, and joined attempts are refused', async () => {
    await open()
    const load = new Load(server, { kinds, clients })
    await load.more(50)
    proxy.swallowAnswers(true)
    await isAway()
    // What was asked before anybody knew may be in one write, or in one for each client.
    const before = direct()
    await load.more(400)
    const refused = await Promise.all([1, 2, 3].map(() => request(server.url, 'joined')))
    expect(refused.map(({ status }) => status)).toEqual([503, 503, 503])
    expect(direct() - before, 'no attempt asks a store that is away').toBe(0)
    expect(server.trail.health).toMatchObject({ reachable: false, spooling: true })

    proxy.swallowAnswers(false)
    await caughtUp(server)
    const asked = [...(await load.stop()), ...refused]
    await caughtUp(server)
    const account = await Account.of(server, asked)
    expect(account.wrongs).toEqual([])
    expect(server.trail.counts).toEqual({ recorded: account.rows.length, vetoed: 0, lost: 0 })
    expect(await told()).toEqual(['degradation_start', 'degradation_end'])
    expect(server.deliveries.replayed).toEqual(server.deliveries.spooled)
  })
})

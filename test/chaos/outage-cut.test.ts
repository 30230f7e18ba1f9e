import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CutProxy } from '../support/cut-proxy.js'
import { postgresAvailable } from '../support/databases.js'
import { Account, caughtUp } from './outage-account.js'
import { type Asked, Load, request } from './outage-load.js'
import type { OutageServer } from './outage-server.js'
import { type OutageSystem, outageSystem } from './outage-system.js'

describe.runIf(await postgresAvailable())('where connections to PostgreSQL are cut', () => {
  let system: OutageSystem
  let proxy: CutProxy
  let server: OutageServer

  beforeEach(async () => {
    system = await outageSystem()
    ;({ proxy, server } = system)
  })
  afterEach(() => system.close())

  const stored = async () => Number((await server.ask('select count(*)::int from audit_event'))[0]?.[0])

  it('in mid-statement, again and again, nothing is lost or doubled, and the pools recover by themselves', async () => {
    const load = new Load(server, { clients: 16 })
    for (let turn = 0; turn < 15; turn++) {
      await load.more(10 + ((turn * 7) % 20))
      // At one moment or another of a statement, and of a connection that is just being made.
      for (let wait = (turn * 5) % 11; wait > 0; wait--) await new Promise((resolve) => setImmediate(resolve))
      proxy.cut()
    }
    await caughtUp(server)
    const after = await load.more(100)
    const asked = await load.stop()
    await caughtUp(server)
    expect(after.filter(({ kind, status }) => kind === 'joined' && status === 200).length).toBeGreaterThan(10)
    const account = await Account.of(server, asked)
    expect(account.wrongs).toEqual([])
    expect(asked.filter(({ status }) => status === null)).toEqual([])
    expect(server.trail.counts).toEqual({ recorded: account.rows.length, vetoed: 0, lost: 0 })
    expect(server.deliveries.writes.some(({ state }) => state === 'failed')).toBe(true)
    expect(account.count('degradation_start')).toBe(account.count('degradation_end'))
    expect(server.deliveries.replayed).toEqual(server.deliveries.spooled)
  })

  it('after a statement arrived and before its answer does, its rows are written again and are there once', async () => {
    await request(server.url, 'awaited')
    const before = await stored()
    proxy.swallowAnswers(true)
    const answers = ['awaited', 'denied', 'awaited'].map((kind) => request(server.url, kind as 'awaited'))
    await expect.poll(stored, { timeout: 10_000 }).toBeGreaterThan(before)
    proxy.swallowAnswers(false)
    proxy.cut()
    const asked = await Promise.all(answers)
    await caughtUp(server)
    expect(asked.map(({ status }) => status)).toEqual([200, 403, 200])
    expect(server.deliveries.writes.filter(({ state }) => state === 'failed').length).toBeGreaterThan(0)
    const told = (await server.ask("select event from audit_event where event like 'degradation%' order by id")).flat()
    expect(told).toEqual(['degradation_start', 'degradation_end'])
    expect(await stored()).toBe(before + 3 + 2)
    expect(server.trail.counts).toMatchObject({ recorded: before + 3 + 2, lost: 0 })
  })

  it('while a joined attempt commits, its client is told 503, and change and row are both there', async () => {
    await request(server.url, 'joined')
    const changed = async () => Number((await server.ask('select count(*)::int from business'))[0]?.[0])
    const before = await changed()
    await server.ask(
      `create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.5); return new; end $$`,
    )
    await server.ask(
      `create constraint trigger slow after insert on business deferrable initially deferred for each row execute function slow()`,
    )
    const unsure = request(server.url, 'joined')
    const isCommitting = async () =>
      (
        await server.ask(
          `select count(*)::int from pg_stat_activity where datname = current_database() and query = 'commit' and state = 'active'`,
        )
      )[0]?.[0]
    await expect.poll(isCommitting, { timeout: 10_000, interval: 10 }).toBe(1)
    proxy.cut()
    const asked = await unsure
    expect(asked.status).toBe(503)
    await expect.poll(changed, { timeout: 10_000 }).toBe(before + 1)
    await caughtUp(server)
    const outcomes = await server.ask(
      `select outcome from audit_event where request_id = '${asked.id}' order by outcome`,
    )
    expect(outcomes.flat(), 'the row of the failure has the same id, and comes too late').toEqual(['success'])
  })

  it('the account of these tests sees a row that is there twice, and one that is not', async () => {
    const asked = [await request(server.url, 'awaited')]
    expect((await Account.of(server, asked)).wrongs).toEqual([])
    const columns = 'occurred_at, event, event_version, outcome, severity, actor_type, duration_ms, details, request_id'
    const other = "overlay(id::text placing 'ffffffff' from 29)::uuid"
    await server.ask(`insert into audit_event (id, ${columns}) select ${other}, ${columns} from audit_event`)
    expect((await Account.of(server, asked)).wrongs).toEqual(['awaited 200: success,success'])
    const unrecorded = { ...(asked[0] as Asked), id: 'unrecorded' }
    expect((await Account.of(server, [unrecorded])).wrongs).toContain('awaited 200: no row')
  })

  it('more often than the pool has connections, joined attempts go on afterwards', async () => {
    const load = new Load(server, { kinds: ['joined'], clients: 12 })
    for (let turn = 0; turn < 6; turn++) {
      await load.more(20)
      proxy.cut()
    }
    await load.more(20)
    const asked = await load.stop()
    await caughtUp(server)
    expect(asked.filter(({ status }) => status === 503).length).toBeGreaterThan(5)
    const account = await Account.of(server, asked)
    expect(account.wrongs).toEqual([])
  })
})

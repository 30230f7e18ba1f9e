import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CutProxy } from '../support/cut-proxy.js'
import { postgresAvailable } from '../support/databases.js'
import { freshFolder } from '../support/fresh-folder.js'
import { Account, caughtUp } from './outage-account.js'
import { Load } from './outage-load.js'
import type { OutageServer } from './outage-server.js'
import { type OutageSystem, outageSystem } from './outage-system.js'

describe.runIf(await postgresAvailable())('rows that PostgreSQL refuses, amid an outage,', () => {
  const folder = freshFolder()
  let system: OutageSystem
  let proxy: CutProxy
  let server: OutageServer

  beforeEach(async () => {
    system = await outageSystem({ folder })
    ;({ proxy, server } = system)
  })
  afterEach(() => system.close())

  it('are set aside and lost, counted, and the others arrive', async () => {
    const { trail } = server
    await server.ask(`alter table audit_event add constraint picky check (not details ? 'poison')`)
    const poison = () => trail.record('session_expire', { details: { poison: true } as never })
    const load = new Load(server)
    await load.more(50)
    await poison()
    expect(trail.health, 'the store is not at fault').toMatchObject({ reachable: true, spooling: true })
    expect(trail.counts.lost).toBe(1)

    proxy.refuse()
    proxy.cut()
    await expect.poll(() => trail.health.reachable).toBe(false)
    for (let turn = 0; turn < 3; turn++) {
      await load.more(30)
      await poison()
    }
    expect(trail.counts.lost, 'nobody knows yet that they are refused').toBe(1)
    await load.more(30)
    await proxy.admit()
    await caughtUp(server)
    const asked = await load.stop()
    await caughtUp(server)
    const account = await Account.of(server, asked)
    expect(account.wrongs).toEqual([])
    expect(account.count('session_expire')).toBe(0)
    expect(trail.counts.lost).toBe(4)
    expect(server.losses.map(({ row, cause }) => [row.event, (cause as { code?: string }).code])).toEqual(
      Array(4).fill(['session_expire', 'ROW_REFUSED']),
    )
    const aside = readFileSync(join(folder, 'refused.jsonl'), 'utf8').trim().split('\n')
    expect(aside.map((line) => JSON.parse(line).row.id)).toEqual(server.losses.map(({ row }) => row.id))
    expect([account.count('degradation_start'), account.count('degradation_end')]).toEqual([1, 1])
  })
})

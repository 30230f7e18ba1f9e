import { writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileSpool } from '@countersign/core/spool'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CutProxy } from '../support/cut-proxy.js'
import { postgresAvailable } from '../support/databases.js'
import { codeOf } from '../support/recording.js'
import { Account, caughtUp } from './outage-account.js'
import { Load, request } from './outage-load.js'
import type { OutageServer } from './outage-server.js'
import { type SmallDisk, smallDisk, smallDiskAvailable } from './outage-small-disk.js'
import { type OutageSystem, outageSystem } from './outage-system.js'

describe.runIf((await postgresAvailable()) && smallDiskAvailable())('where the disk of the spool', () => {
  let system: OutageSystem
  let proxy: CutProxy
  let disk: SmallDisk
  let server: OutageServer

  beforeEach(async () => {
    disk = smallDisk()
    system = await outageSystem({ folder: join(disk.folder, 'spool') })
    ;({ proxy, server } = system)
  })
  afterEach(async () => {
    await system.close()
    disk.remove()
  })

  const away = () => {
    proxy.refuse()
    proxy.cut()
  }
  const lostRequests = () => server.losses.flatMap(({ row }) => row.requestId ?? [])
  const reported = async () =>
    Number(
      (
        await server.ask(
          "select coalesce(sum((details->>'rows')::int), 0)::int from audit_event where event = 'audit_loss'",
        )
      )[0]?.[0],
    )

  it('is full while the store is away, what is lost is counted, signalled and reported, row by row', async () => {
    const { trail } = server
    const load = new Load(server)
    await load.more(50)
    away()
    await expect.poll(() => trail.health.reachable).toBe(false)
    await expect.poll(() => server.losses.length > 0 || trail.health.spooledBytes, { timeout: 20_000 }).toBe(true)
    expect(trail.health.spooledBytes, 'nothing is lost before it is full').toBeGreaterThan(400 * 1024)
    await load.more(100)
    await expect.poll(() => trail.health).toMatchObject({ reachable: false, spooling: false })
    const asked = [...(await load.stop())]
    const spooled = trail.health.spooledRows
    expect(spooled).toBeGreaterThan(300)

    await proxy.admit()
    await caughtUp(server)
    await expect.poll(() => trail.health.spooling, { message: 'its space is free again' }).toBe(true)
    await expect.poll(reported, { timeout: 20_000 }).toBe(server.losses.length)
    const account = await Account.of(server, asked)
    const stored = new Set(account.rows.map(({ requestId }) => requestId))
    const missing = asked.flatMap(({ id }) => (stored.has(id) ? [] : id))
    expect(missing.length).toBeGreaterThan(50)
    expect(missing.toSorted(), 'a loss for each attempt without a row, and for no other').toEqual(lostRequests().sort())
    expect(account.wrongs).toHaveLength(missing.length)
    expect(account.wrongs.filter((wrong) => !wrong.endsWith(': no row'))).toEqual([])
    await trail.settled()
    const { rows } = await Account.of(server, asked)
    expect(trail.counts).toEqual({ recorded: rows.length, vetoed: 0, lost: server.losses.length })
    expect(server.deliveries.replayed).toEqual(server.deliveries.spooled)

    away()
    const later = [await request(server.url, 'awaited'), await request(server.url, 'deferred')]
    expect(trail.health, 'and takes the rows of the next outage').toMatchObject({ reachable: false, spooling: true })
    await proxy.admit()
    await caughtUp(server)
    expect((await Account.of(server, [...asked, ...later])).wrongs).toHaveLength(missing.length)
  })

  it('is full while the store is there, deferred rows go straight to the store', async () => {
    const filler = join(disk.folder, 'filler')
    expect(() => writeFileSync(filler, Buffer.alloc(1024 * 1024))).toThrow(/ENOSPC/)
    const load = new Load(server)
    await load.more(200)
    expect(server.trail.health).toMatchObject({ reachable: true, spooling: false })
    await rm(filler)
    await load.more(50)
    await expect.poll(() => server.trail.health).toMatchObject({ reachable: true, spooling: true })
    const asked = await load.stop()
    await caughtUp(server)
    const account = await Account.of(server, asked)
    expect(account.wrongs).toEqual([])
    expect(server.trail.counts).toEqual({ recorded: account.rows.length, vetoed: 0, lost: 0 })
  })

  it('can only be read, rows go to the store, and with that away they are counted as lost', async () => {
    const { trail } = server
    disk.mount('ro')
    const stored = [await request(server.url, 'deferred'), await request(server.url, 'awaited')]
    expect(trail.health).toMatchObject({ reachable: true, spooling: false })
    expect(trail.counts).toMatchObject({ recorded: 2, lost: 0 })
    away()
    const lost = [
      await request(server.url, 'deferred'),
      await request(server.url, 'awaited'),
      await request(server.url, 'joined'),
    ]
    expect(lost.map(({ status }) => status)).toEqual([200, 200, 503])
    expect(lostRequests()).toEqual(lost.map(({ id }) => id))
    expect(trail.health).toMatchObject({ reachable: false, spooling: false })
    disk.mount('rw')
    const spooled = [await request(server.url, 'awaited')]
    expect(trail.health).toMatchObject({ reachable: false, spooling: true, spooledRows: 1 })
    await proxy.admit()
    await caughtUp(server)
    await expect.poll(reported, { timeout: 20_000 }).toBe(trail.counts.lost)
    const { wrongs } = await Account.of(server, [...stored, ...lost, ...spooled])
    expect(wrongs).toEqual(['deferred 200: no row', 'awaited 200: no row', 'joined 503: no row'])
  })

  it('can only be read from the beginning, no spool is made', () => {
    disk.mount('ro')
    expect(codeOf(() => fileSpool({ folder: join(disk.folder, 'another') }))).toBe('SPOOL_INVALID')
    expect(codeOf(() => fileSpool({ folder: join(disk.folder, 'spool') }))).toBe('SPOOL_INVALID')
    disk.mount('rw')
  })
})

import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { AuditRow } from '@countersign/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CutProxy } from '../support/cut-proxy.js'
import { emptyPostgres, type OwnPostgres, postgresAvailable } from '../support/databases.js'
import { freshFolder } from '../support/fresh-folder.js'
import { caughtUp } from './outage-account.js'
import { request } from './outage-load.js'
import { type OutageServer, outageServer } from './outage-server.js'
import { type SmallDisk, smallDisk, smallDiskAvailable } from './outage-small-disk.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const warmUp = 2000
const many = 20_000

/** What a row takes on the disk, about; in memory it takes more. */
const rowBytes = 400
/** A process that kept one row in two would be over it. */
const mostBytes = (many * rowBytes) / 2

const disks = smallDiskAvailable()

describe.runIf(await postgresAvailable())('the memory of a process does not grow with the rows', () => {
  let database: OwnPostgres
  let proxy: CutProxy
  let server: OutageServer
  let disk: SmallDisk | undefined

  const open = async (folder = freshFolder()) => {
    server = await outageServer({ direct: database.url, through: proxy.url, folder, patience: 500, watched: false })
    await request(server.url, 'awaited')
  }
  beforeEach(async () => {
    database = await emptyPostgres()
    proxy = await CutProxy.before(database.url)
    disk = undefined
  })
  afterEach(async () => {
    await server.close()
    await proxy.close()
    await database.drop()
    disk?.remove()
  })

  const stored = async () =>
    Number((await server.ask("select count(*)::int from audit_event where event in ('login', 'logout')"))[0]?.[0])

  async function record(rows: number): Promise<void> {
    const { trail } = server
    for (let done = 0; done < rows; done += 200) {
      await Promise.all(
        Array.from({ length: 200 }, (_, number) =>
          trail.record(number % 2 ? 'login' : 'logout', { attempted: `user-${done + number}@example.org` }),
        ),
      )
    }
  }

  /** Bytes by which the memory grows while many rows are recorded. */
  async function growth(): Promise<number> {
    await record(warmUp)
    const before = await used()
    await record(many)
    return (await used()) - before
  }

  const isAway = () => expect.poll(() => server.trail.health.reachable).toBe(false)
  const away = async () => {
    proxy.refuse()
    proxy.cut()
    await record(200)
    await isAway()
  }

  it('that wait for a store that is away, nor with those that are replayed', async () => {
    await open()
    await away()
    expect(await growth()).toBeLessThan(mostBytes)
    expect(server.trail.health.spooledRows).toBeGreaterThanOrEqual(many)
    expect(server.trail.health.spooledBytes / server.trail.health.spooledRows).toBeGreaterThan(rowBytes)
    const before = await used()
    await proxy.admit()
    await caughtUp(server)
    expect((await used()) - before).toBeLessThan(mostBytes)
    expect(await stored()).toBe(1 + 200 + warmUp + many)
    expect(server.trail.counts.lost).toBe(0)
  })

  it('that wait for a store that hangs', async () => {
    await open()
    proxy.swallowAnswers(true)
    await record(200)
    await isAway()
    expect(await growth()).toBeLessThan(mostBytes)
    expect(server.trail.health.spooledRows).toBeGreaterThanOrEqual(many)
    proxy.swallowAnswers(false)
    await caughtUp(server)
    expect(await stored()).toBe(1 + 200 + warmUp + many)
    expect(server.trail.counts.lost).toBe(0)
  })

  it.runIf(disks)('that no spool takes, because its disk can only be read', async () => {
    disk = smallDisk()
    await open(join(disk.folder, 'spool'))
    disk.mount('ro')
    expect(await growth()).toBeLessThan(mostBytes)
    expect(server.trail.health).toMatchObject({ reachable: true, spooling: false })
    expect(await stored()).toBe(1 + warmUp + many)
    disk.mount('rw')
  })

  it('and would be found to, if somebody kept them', async () => {
    await open()
    const kept: AuditRow[] = []
    server.trail.signals.on('*', ({ row }) => kept.push(row))
    await away()
    expect(await growth()).toBeGreaterThan(mostBytes)
    expect(kept.length).toBeGreaterThan(many)
  })
})

/** Bytes in use when nothing is left to collect. */
async function used(): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let turn = 0; turn < 4; turn++) {
    await setTimeout(20)
    collect()
    const { heapUsed, external } = process.memoryUsage()
    least = Math.min(least, heapUsed + external)
  }
  return least
}

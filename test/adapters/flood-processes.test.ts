import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { mikroOrmSink } from '@countersign/adapters/mikro-orm'
import type { AuditSink, FloodLedger } from '@countersign/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postgresAvailable, postgresDatabase, type TestDatabase } from '../support/databases.js'
import { denial, floodSystem } from '../support/flood-system.js'

const worker = join(import.meta.dirname, '../support/flood-worker.js')
const day = 86_400_000

interface Told {
  readonly denied: number
  readonly kept: number
}

describe.runIf(await postgresAvailable())('floods of several processes on one PostgreSQL', () => {
  let database: TestDatabase
  const sinks: AuditSink[] = []
  const open = (): AuditSink & { readonly ledger: FloodLedger } => {
    const sink = mikroOrmSink(database.orm)
    sinks.push(sink)
    return sink as AuditSink & { readonly ledger: FloodLedger }
  }
  const execute = (statement: string) => database.orm.em.getDriver().getConnection().execute(statement)
  const attempts = async (tenants: string): Promise<number> => {
    const [{ n }] = await execute(
      `select sum(coalesce(repeat_count, 1))::int as n from audit_event where tenant like '${tenants}'`,
    )
    return n
  }
  beforeAll(async () => {
    database = await postgresDatabase()
  })
  afterAll(async () => {
    for (const sink of sinks) await sink.close?.()
    await database.close()
  })

  /** Runs a worker until what it tells is enough, kills it, and closes what it left; answers with the last it told. */
  async function killed(
    settings: { readonly tenant: string; readonly [name: string]: unknown },
    isEnough: (told: Told) => boolean,
  ): Promise<Told> {
    const child: ChildProcess = spawn(process.execPath, [worker, JSON.stringify({ url: database.url, ...settings })], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(child, 'exit')
    let last: Told = { denied: 0, kept: 0 }
    for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
      last = JSON.parse(line)
      if (isEnough(last)) child.kill('SIGKILL')
    }
    expect(await exited).toEqual([null, 'SIGKILL'])
    const { ledger } = open()
    // The database may not have noticed yet, and go on with the statement that was under way.
    await expect
      .poll(async () => {
        await ledger.closeAbandoned(new Date(Date.now() + day))
        return execute('select count(*)::int as n from audit_flood')
      })
      .toEqual([{ n: 0 }])
    return last
  }

  it('lose of a process that is killed in a window what it counted since its last flush, and nothing else', async () => {
    // 1,000 repeats are put at once; the seven after them would have waited for an hour.
    const settings = { tenant: 'slow', flush: 3_600_000, batch: 1000, most: 1 + 1000 + 7 }
    const last = await killed(settings, ({ denied, kept }) => denied === settings.most && kept > 1)
    expect(last).toEqual({ denied: 1008, kept: 1001 })
    expect(await attempts('slow')).toBe(1001)
  })

  it.each([1, 7, 40])('lose no more than that at whatever moment it is killed: after %i lines', async (most) => {
    let lines = 0
    const last = await killed(
      { tenant: `killed-${most}`, flush: 5, batch: 3, most: 1_000_000 },
      ({ kept }) => kept > 1 && ++lines >= most,
    )
    const found = await attempts(`killed-${most}`)
    expect(found).toBeGreaterThanOrEqual(last.kept)
    // A batch that it denied, it may have had no time to tell of.
    expect(found).toBeLessThanOrEqual(last.denied + 3)
    expect(last.kept).toBeGreaterThan(1)
  })

  it('count every attempt once, while any of them closes what it takes for abandoned', async () => {
    const options = { window: 0.15, flush: 10 }
    const processes = [open(), open(), open()].map((sink) => ({ sink, ...floodSystem(options, sink, sink.ledger) }))
    const sweeping = open().ledger
    let denied = 0
    for (let round = 0; round < 60; round++) {
      for (const { deny } of processes) {
        const rows = Array.from({ length: 20 }, (_, index) => denial({ tenant: `storm-${index % 4}` }))
        deny(...rows)
        denied += rows.length
      }
      // Nobody is dead, and all are swept: each finds out when it closes its floods.
      await sweeping.closeAbandoned(new Date(Date.now() + day))
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    for (const { budget, faults } of processes) {
      await budget.close()
      expect(budget.collapsed).toBe(0)
      expect(faults).toEqual([])
    }
    for (const sink of sinks) await sink.close?.()
    sinks.length = 0
    expect(await attempts('storm-%')).toBe(denied)
    expect(await execute('select count(*)::int as n from audit_flood')).toEqual([{ n: 0 }])
  })
})

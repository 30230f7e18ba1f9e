/**
 * `pnpm soak`: a server at half of its load for SOAK_MINUTES (10), with an outage of its store in
 * the middle. Ends with 1 unless nothing was lost and memory and queues stayed as they were.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { emptyPostgres } from '../support/databases.ts'
import { startServer } from './chaos-server.ts'
import { wrongsIn } from './server-check.ts'
import type { ServerSettings } from './server-settings.ts'
import { SoakLoad } from './soak-load.ts'
import { type Sample, verdictsOn } from './soak-verdicts.ts'

const { values } = parseArgs({ options: { pglite: { type: 'boolean', default: false } } })
const seconds = Number(process.env.SOAK_MINUTES ?? 10) * 60
const connections = 64
const measured = 10
const outage = 20
const every = 10

const folder = mkdtempSync(join(tmpdir(), 'countersign-soak-'))
const postgres = values.pglite ? null : await emptyPostgres()
const settings: ServerSettings = {
  database: postgres ? { url: postgres.url } : { folder: join(folder, 'data') },
  spool: join(folder, 'spool'),
}
const preparing = startServer({ ...settings, prepares: true })
await preparing.url
await preparing.stop()
const server = startServer(settings, ['--expose-gc'])
const load = new SoakLoad(await server.url, connections)
const samples: Sample[] = []

try {
  const most = await load.most(measured)
  const rate = most / 2
  console.log(
    `${postgres ? 'PostgreSQL' : 'PGlite'}: ${most.toFixed(0)} requests/s with ${connections} connections; now ${rate.toFixed(0)}/s for ${seconds} s`,
  )
  console.log(
    '   at    rss   heap external waiting  spool rows  spool MiB  asked  answered/s  refused  p99 ms   recorded',
  )
  const offered = load.offer(rate, seconds)
  await Promise.all([offered, sampling(), interrupted()])
  const last = await server.shipped()
  const attempts = await load.end()
  const wrongs = wrongsIn(attempts, await server.stored('s'))
  const answered = attempts.filter(({ status }) => status !== null).length
  console.log(
    `${attempts.length} requests, ${answered} answered; ${last.recorded} rows recorded, ${last.lost} lost; ${wrongs.length} not as promised`,
  )
  const verdicts = [
    ...verdictsOn(samples, { seconds, outageEnd: seconds / 2 + outage, rate }),
    ...wrongs.slice(0, 20),
    ...last.faults,
  ]
  if (answered < attempts.length) verdicts.push(`${attempts.length - answered} requests were not answered`)
  if (!last.reachable) verdicts.push('the store is said to be away, and is there')
  if (last.lost > 0) verdicts.push(`${last.lost} rows were lost`)
  for (const verdict of verdicts) console.error(`FAILED: ${verdict}`)
  process.exitCode = verdicts.length > 0 ? 1 : 0
} finally {
  load.close()
  await server.kill()
  await postgres?.drop()
  rmSync(folder, { recursive: true, force: true })
}

async function sampling(): Promise<void> {
  for (let at = every; at <= seconds; at += every) {
    await load.until(at)
    const sample = { at, ...(await server.status()), ...load.interval() }
    samples.push(sample)
    print(sample)
  }
}

async function interrupted(): Promise<void> {
  await load.until(seconds / 2)
  await (postgres ? postgres.shut() : server.store('away'))
  await delay(outage * 1000)
  await (postgres ? postgres.open() : server.store('back'))
}

function print({
  at,
  waiting,
  spooledRows,
  spooledBytes,
  recorded,
  memory,
  inFlight,
  answered,
  refused,
  slow,
}: Sample): void {
  const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1)
  const columns = [
    [at, 5],
    [mebibytes(memory.rss), 7],
    [mebibytes(memory.heap), 7],
    [mebibytes(memory.external), 9],
    [waiting, 8],
    [spooledRows, 12],
    [mebibytes(spooledBytes), 11],
    [inFlight, 7],
    [(answered / every).toFixed(0), 12],
    [refused, 9],
    [slow.toFixed(0), 8],
    [recorded, 11],
  ] as const
  console.log(columns.map(([value, width]) => String(value).padStart(width)).join(''))
}

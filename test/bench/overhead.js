import { execFile, fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ownDatabase } from './own-database.js'
import { interleaved, median, medianRatio, spread } from './rounds.js'

const run = promisify(execFile)
const connections = 64
const seconds = 2
const limit = 0.9

/**
 * Requests per second of an audited POST, its row stored before the answer leaves, beside the
 * same POST without an audit; a server in one process, the load in another.
 */
export async function overhead(report) {
  const database = await ownDatabase()
  if (database) await compare(report, 'PostgreSQL', database.url)
  else
    report.unmeasured('overhead: no PostgreSQL server is reachable at TEST_DATABASE_URL; its limit was not measured.')
  await database?.drop()
  const folder = await mkdtemp(join(tmpdir(), 'countersign-bench-'))
  await compare(report, 'PGlite', join(folder, 'postgres'))
  await rm(folder, { recursive: true, force: true })
}

async function compare(report, backend, store) {
  for (const hop of [true, false]) {
    const servers = { control: await start('control', hop), audited: await start(store, hop) }
    const subjects = Object.fromEntries(Object.entries(servers).map(([name, { port }]) => [name, () => load(port)]))
    const { control, audited } = await interleaved(subjects, { rounds: 5, warmup: 1 })
    for (const { child } of Object.values(servers)) child.kill()
    const how = hop ? 'with one hop' : 'without a hop'
    const figure = (name, values) => ({
      bench: 'overhead',
      backend,
      figure: `${name}, ${how}`,
      value: median(values),
      unit: 'requests/s',
      spread: spread(values),
    })
    report(figure('un-audited POST', control))
    report(figure('audited POST, row durable', audited))
    const ratio = {
      bench: 'overhead',
      backend,
      figure: `audited to un-audited, ${how}`,
      unit: 'ratio',
      spread: spread(audited.map((value, round) => value / control[round])),
    }
    report({
      ...ratio,
      value: medianRatio(audited, control),
      ...(hop && backend === 'PostgreSQL' ? { atLeast: limit } : {}),
    })
  }
}

function start(store, hop) {
  const child = fork(new URL('overhead-server.js', import.meta.url), [store, hop ? 'hop' : 'none'])
  return new Promise((resolve, reject) => {
    child.once('message', ({ port }) => resolve({ child, port }))
    child.once('exit', (code) => reject(new Error(`The server of the bench ended with ${code}.`)))
  })
}

async function load(port) {
  const script = new URL('overhead-load.js', import.meta.url).pathname
  const { stdout } = await run(process.execPath, [script, port, connections, seconds])
  return Number(stdout)
}

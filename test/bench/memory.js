import { spawn } from 'node:child_process'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { logSequencer, mikroOrmSink } from '@countersign/adapters/mikro-orm'
import { newSigningKey, noteSigner } from '@countersign/core/evidence'
import { ownDatabase } from './own-database.js'
import { realisticRow } from './realistic-row.js'
import { storeAt } from './writer-stores.js'

const few = 1000
const many = Number(process.env.MEMORY_ROWS ?? 1_000_000)
const fileOf = (path) => new URL(path, import.meta.url).pathname
const countersign = fileOf('../../packages/console/dist/countersign.js')
const oneFile = fileOf('../../packages/console/verify/verify-bundle.mjs')

/**
 * What the commands that export and verify a log take of memory for many rows, more than for a few: each runs as people
 * run it, and is asked at its end for the most that it ever had.
 *
 * @param {(figure: object) => void} report
 */
export async function memory(report) {
  const database = await ownDatabase()
  if (!database) {
    report.unmeasured('memory: no PostgreSQL server is reachable at TEST_DATABASE_URL.')
    return
  }
  const folder = await mkdtemp(join(tmpdir(), 'countersign-memory-'))
  const key = newSigningKey('bench.example.org/audit')
  const env = { PATH: process.env.PATH, DATABASE_URL: database.url, CHECKPOINT_KEY: key, DATA_DIR: folder }
  try {
    await filled(database.url, key, few)
    const ofFew = await taken(join(folder, 'few.jsonl'), env)
    await filled(database.url, key, many - few)
    const bundle = join(folder, 'many.jsonl')
    const ofMany = await taken(bundle, env)
    const backend = `PostgreSQL, ${many.toLocaleString('en')} rows`
    const figure = (name, rest) => report({ bench: 'memory', backend, figure: name, ...rest })
    for (const [name, { most, seconds }] of Object.entries(ofMany)) {
      figure(`added by ${name}`, { value: (most - ofFew[name].most) / 1024, unit: 'MiB', atMost: 100e6 / 2 ** 20 })
      figure(`the most of ${name}`, { value: most / 1024, unit: 'MiB' })
      figure(`seconds for ${name}`, { value: seconds, unit: 's' })
    }
    const { size } = await stat(bundle)
    figure('size of the bundle', { value: size / 2 ** 20, unit: 'MiB' })
  } finally {
    await rm(folder, { recursive: true, force: true })
    await database.drop()
  }
}

async function filled(url, key, rows) {
  const orm = await storeAt(url)
  const sink = mikroOrmSink(orm)
  const worker = logSequencer(orm, { signer: noteSigner(key) })
  for (let left = rows; left > 0; left -= 20_000) {
    const now = Math.min(left, 20_000) / 4
    await Promise.all(Array.from({ length: 4 }, () => sink.write(Array.from({ length: now }, () => realisticRow()))))
    await worker.catchUp()
  }
  await worker.stop()
  await sink.close()
  await orm.close()
}

async function taken(bundle, env) {
  return {
    'countersign export': await run(env, countersign, 'export', '--out', bundle),
    'countersign verify': await run(env, countersign, 'verify'),
    'countersign verify, of the bundle': await run(env, countersign, 'verify', bundle),
    'countersign-verify, of the bundle': await run(env, oneFile, bundle),
  }
}

async function run(env, ...command) {
  const start = performance.now()
  const args = ['--import', fileOf('./most-memory.js'), ...command]
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe', 'pipe'] })
  const [said, most] = [textOf(child.stdio[2]), textOf(child.stdio[3])]
  const code = await new Promise((resolve) => child.on('close', resolve))
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${await said}`)
  return { most: Number(await most), seconds: (performance.now() - start) / 1000 }
}

async function textOf(stream) {
  let text = ''
  for await (const piece of stream) text += piece
  return text
}

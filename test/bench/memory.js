import { spawn } from 'node:child_process'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { logSequencer, mikroOrmSink } from '@countersign/adapters/mikro-orm'
import { newSigningKey, noteSigner } from '@countersign/core/evidence'
import { ownDatabase } from './own-database.js'
import { realisticRow } from './realistic-row.js'
import { storeAt } from './writer-stores.js'

const rows = Number(process.env.MEMORY_ROWS ?? 1_000_000)
const subject = new URL('./memory-subject.js', import.meta.url).pathname

/**
 * What exporting and verifying a large log takes of memory, each in a process of its own.
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
  try {
    await filled(database.url)
    const bundle = join(folder, 'bundle.jsonl')
    const backend = `PostgreSQL, ${rows.toLocaleString('en')} rows`
    for (const [work, name] of [
      ['export', 'exporting a bundle'],
      ['database', 'verifying the database'],
      ['bundle', 'verifying the bundle'],
      ['one-file', 'verifying the bundle, by the verifier of one file'],
    ]) {
      const { added, seconds } = await run(work, database.url, bundle)
      report({
        bench: 'memory',
        backend,
        figure: `added by ${name}`,
        value: added / 2 ** 20,
        unit: 'MiB',
        atMost: 100e6 / 2 ** 20,
      })
      report({ bench: 'memory', backend, figure: `seconds for ${name}`, value: seconds, unit: 's' })
    }
    const { size } = await stat(bundle)
    report({ bench: 'memory', backend, figure: 'size of the bundle', value: size / 2 ** 20, unit: 'MiB' })
  } finally {
    await rm(folder, { recursive: true, force: true })
    await database.drop()
  }
}

async function filled(url) {
  const orm = await storeAt(url)
  const sink = mikroOrmSink(orm)
  const worker = logSequencer(orm, { signer: noteSigner(newSigningKey('bench.example.org/audit')) })
  for (let left = rows; left > 0; left -= 20_000) {
    await Promise.all(Array.from({ length: 4 }, () => sink.write(Array.from({ length: 5000 }, () => realisticRow()))))
    await worker.catchUp()
  }
  await worker.stop()
  await sink.close()
  await orm.close()
}

function run(work, url, bundle) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--expose-gc', subject, work, url, bundle], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    child.stdout.on('data', (piece) => {
      text += piece
    })
    child.on('exit', (code) =>
      code === 0 ? resolve(JSON.parse(text)) : reject(new Error(`${work} ended with ${code}`)),
    )
  })
}

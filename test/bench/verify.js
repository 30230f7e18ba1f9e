import { hash } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { auditLog, logSequencer, mikroOrmSink } from '@countersign/adapters/mikro-orm'
import {
  factsOf,
  newSigningKey,
  noteSigner,
  personalFields,
  readBundle,
  verifyLog,
  writeBundle,
} from '@countersign/core/evidence'
import { realisticRow } from './realistic-row.js'
import { interleaved, median, medianRatio, spread } from './rounds.js'
import { postgresStore } from './writer-stores.js'

// Enough for threads to be worth their start.
const leaves = 100_000
// The inputs of a few, over and over: those of all would be a million buffers, which every collection of garbage looks at.
const hashedLeaves = 5000
const times = 10
const { verifyBundle } = await import(new URL('../../packages/console/verify/verify-bundle.mjs', import.meta.url).href)

/**
 * How quick a log is verified, beside hashing alone: the very bytes that a verification hashes, ready and in memory.
 *
 * @param {(figure: object) => void} report
 */
export async function verify(report) {
  const store = await postgresStore()
  if (!store) {
    report.unmeasured('verify: no PostgreSQL server is reachable at TEST_DATABASE_URL.')
    return
  }
  try {
    await measured(report, store)
  } finally {
    await store.close()
  }
}

async function measured(report, { backend, orm }) {
  const sink = mikroOrmSink(orm)
  for (let left = leaves; left > 0; left -= 5000) await sink.write(Array.from({ length: 5000 }, () => realisticRow()))
  const worker = logSequencer(orm, { signer: noteSigner(newSigningKey('bench.example.org/audit')) })
  await worker.catchUp()
  await worker.stop()
  const log = auditLog(orm)
  const written = []
  for await (const piece of writeBundle(await log.open())) written.push(Buffer.from(piece))
  const bytes = Buffer.concat(written)
  const { inputs, total } = hashedBytes(bytes)
  const subjects = {
    hashing: async () => rate(async () => hashedAgain(inputs), hashedLeaves * times),
    bundle: async () => rate(async () => sound(await verifyLog(await readBundle(pieces(bytes))))),
    alone: async () => rate(async () => sound(await verifyLog(await readBundle(pieces(bytes)), { threads: 0 }))),
    database: async () => rate(async () => sound(await verifyLog(await log.open()))),
    oneFile: async () => rate(async () => sound(await verifyBundle(pieces(bytes)))),
    oneHash: async () => rate(async () => void hash('sha256', bytes, 'buffer')),
  }
  const figures = await interleaved(subjects, { rounds: 7 })
  const figure = (name, rest) => report({ bench: 'verify', backend, figure: name, ...rest })
  figure('leaves hashed a second, and nothing else', {
    value: median(figures.hashing),
    unit: '/s',
    spread: spread(figures.hashing),
  })
  figure('bytes hashed for a leaf', { value: total / hashedLeaves, unit: 'B' })
  for (const [name, subject, goal] of [
    ['a bundle', 'bundle', { atLeast: 0.5 }],
    ['a bundle, in one thread', 'alone', {}],
    ['the database', 'database', {}],
    ['a bundle, by the verifier of one file', 'oneFile', {}],
  ]) {
    const ratios = figures[subject].map((value, round) => value / figures.hashing[round])
    figure(`leaves a second, ${name}`, {
      value: median(figures[subject]),
      unit: '/s',
      spread: spread(figures[subject]),
    })
    figure('of hashing the same bytes alone', {
      value: medianRatio(figures[subject], figures.hashing),
      unit: 'x',
      spread: spread(ratios),
      ...goal,
    })
  }
  figure('of one hash over the whole file', { value: medianRatio(figures.bundle, figures.oneHash), unit: 'x' })
  await log.close()
  await sink.close()
}

async function* pieces(bytes) {
  for (let from = 0; from < bytes.length; from += 65_536) yield bytes.subarray(from, from + 65_536)
}

async function rate(run, count = leaves) {
  const start = performance.now()
  await run()
  return count / ((performance.now() - start) / 1000)
}

function sound(report) {
  if (!report.sound || report.leaves !== leaves)
    throw new Error(`not what was to be measured: ${JSON.stringify(report)}`)
}

const hashed = (input) => hash('sha256', input, 'binary')

function hashedAgain(inputs) {
  for (let time = 0; time < times; time++) inputs.forEach(hashed)
}

/** Every input that a verification of the first lines hashes, made from `docs/bundle.md`. */
function hashedBytes(bytes) {
  let rest = hashedLeaves
  const inputs = []
  let total = 0
  const add = (bytes) => {
    inputs.push(bytes)
    total += bytes.length
    return Buffer.from(hashed(bytes), 'latin1')
  }
  for (let from = 0; rest > 0; from = bytes.indexOf('\n', from) + 1) {
    const line = bytes.toString('utf8', from, bytes.indexOf('\n', from))
    if (!line.startsWith('{"leaf"')) continue
    rest--
    const { leaf, id, row, salt } = JSON.parse(line)
    const values = {
      ...row,
      actor_label: row.actor.label,
      attempted_hash: row.attempted?.hash,
      attempted_masked: row.attempted?.masked,
    }
    const commitments = personalFields.map((field) => {
      const value = values[field]
      if (value === null || value === undefined) return Buffer.alloc(32)
      const key = add(Buffer.concat([Buffer.from(salt, 'base64'), Buffer.from(field)]))
      return add(Buffer.concat([key, Buffer.from(JSON.stringify(value))]))
    })
    const index = Buffer.alloc(8)
    index.writeBigUInt64BE(BigInt(leaf))
    const content = add(Buffer.concat([add(Buffer.concat(commitments)), index, Buffer.from(factsOf(row))]))
    add(Buffer.concat([Buffer.alloc(1), Buffer.from(id.replaceAll('-', ''), 'hex'), content]))
    add(Buffer.alloc(65, 1))
  }
  return { inputs, total }
}

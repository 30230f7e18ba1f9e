import { performance } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { logSequencer, mikroOrmSink } from '@countersign/adapters/mikro-orm'
import { newSigningKey, noteSigner } from '@countersign/core/evidence'
import { realisticRow } from './realistic-row.js'
import { median, spread } from './rounds.js'
import { pgliteStore, postgresStore } from './writer-stores.js'

const backlog = 60_000
const rounds = 6
const seconds = 5

/**
 * What the log costs: how quick leaves are made, how long a row waits for its leaf, and what writers notice of it.
 *
 * @param {(figure: object) => void} report
 */
export async function sequencer(report) {
  for (const [open, offered] of [
    [postgresStore, 10_000],
    [pgliteStore, 4_000],
  ]) {
    const store = await open()
    if (!store) {
      report.unmeasured('sequencer: no PostgreSQL server is reachable at TEST_DATABASE_URL.')
      continue
    }
    try {
      await measured(report, store, offered)
    } finally {
      await store.close()
    }
  }
}

async function measured(report, { backend, orm, query }, offered) {
  const signer = noteSigner(newSigningKey('bench.example.org/audit'))
  const sink = mikroOrmSink(orm)
  const figure = (name, rest) => report({ bench: 'sequencer', backend, figure: name, ...rest })
  const isServer = backend === 'PostgreSQL'

  const drained = []
  for (let round = 0; round < 3; round++) {
    for (let left = backlog; left > 0; left -= 5000)
      await sink.write(Array.from({ length: 5000 }, () => realisticRow()))
    const worker = logSequencer(orm, { signer })
    const start = performance.now()
    await worker.catchUp()
    drained.push(backlog / ((performance.now() - start) / 1000))
    await worker.stop()
  }
  figure('leaves a second, of a backlog', {
    value: median(drained),
    unit: '/s',
    spread: spread(drained),
    ...(isServer ? { atLeast: 10_000 } : {}),
  })

  const [alone, beside, waits, saturatedAlone, saturatedBeside] = [[], [], [], [], []]
  for (let round = 0; round < rounds; round++) {
    for (const withLog of round % 2 === 0 ? [false, true] : [true, false]) {
      const worker = withLog ? logSequencer(orm, { signer }) : null
      worker?.start()
      const probing = withLog ? probe(sink, query, waits) : null
      const rate = await paced(sink, offered)
      await probing?.stop()
      ;(withLog ? beside : alone).push(rate)
      await worker?.stop()
      if (!withLog) await caughtUp(orm, signer)
    }
  }
  for (let round = 0; round < 3; round++) {
    for (const withLog of round % 2 === 0 ? [false, true] : [true, false]) {
      const worker = withLog ? logSequencer(orm, { signer }) : null
      worker?.start()
      ;(withLog ? saturatedBeside : saturatedAlone).push(await saturated(sink))
      await worker?.stop()
      await caughtUp(orm, signer)
    }
  }
  const ratios = (values, peers, of) => values.map((value, index) => of(value) / of(peers[index]))
  const achieved = ratios(beside, alone, ({ rate }) => rate)
  const middle = ratios(beside, alone, ({ p50 }) => p50)
  waits.sort((a, b) => a - b)
  const goal = isServer ? { atLeast: 0.9 } : {}
  figure(`rows a second, ${offered} offered, log running`, {
    value: median(beside.map(({ rate }) => rate)),
    unit: '/s',
  })
  figure('of the same without the log', { value: median(achieved), unit: 'x', spread: spread(achieved), ...goal })
  figure('p50 of a write, of that without the log', { value: median(middle), unit: 'x', spread: spread(middle) })
  figure('p50 of a row until its leaf', { value: at(waits, 0.5), unit: 'ms' })
  figure('p99 of a row until its leaf', { value: at(waits, 0.99), unit: 'ms', ...(isServer ? { atMost: 1000 } : {}) })
  const full = saturatedBeside.map((value, index) => value / saturatedAlone[index])
  figure('as many rows as can be written, log running', { value: median(saturatedBeside), unit: '/s' })
  figure('of the same without the log', { value: median(full), unit: 'x', spread: spread(full) })
  await sink.close()
}

const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN

/** Attempts that come at a steady rate, one row each, whether the store keeps up or not. */
async function paced(sink, offered) {
  const [tick, latencies, underWay] = [5, [], new Set()]
  const each = (offered * tick) / 1000
  const start = performance.now()
  let sent = 0
  while (performance.now() - start < seconds * 1000) {
    const due = Math.floor(((performance.now() - start) / tick) * each)
    for (; sent < due; sent++) {
      const began = performance.now()
      const write = sink.write([realisticRow()]).then(() => {
        latencies.push(performance.now() - began)
        underWay.delete(write)
      })
      underWay.add(write)
    }
    await wait(tick)
  }
  await Promise.all(underWay)
  const rate = latencies.length / ((performance.now() - start) / 1000)
  latencies.sort((a, b) => a - b)
  return { rate, p50: at(latencies, 0.5) }
}

/** 64 callers that write one row after the other. */
async function saturated(sink) {
  const start = performance.now()
  let rows = 0
  const caller = async () => {
    while (performance.now() - start < 3000) {
      await sink.write([realisticRow()])
      rows++
    }
  }
  await Promise.all(Array.from({ length: 64 }, caller))
  return rows / ((performance.now() - start) / 1000)
}

/** Rows that are looked for until they have their leaf, and the checkpoint with it. */
function probe(sink, query, waits) {
  let running = true
  const done = (async () => {
    while (running) {
      const row = realisticRow()
      await sink.write([row])
      const start = performance.now()
      const find = `select 1 from audit_leaf where row_id = '${row.id}'`
      while ((await query(find)).length === 0) await wait(5)
      waits.push(performance.now() - start)
      await wait(20)
    }
  })()
  return {
    stop() {
      running = false
      return done
    },
  }
}

async function caughtUp(orm, signer) {
  const worker = logSequencer(orm, { signer })
  await worker.catchUp()
  await worker.stop()
}

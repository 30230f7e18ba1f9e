import assert from 'node:assert/strict'
import { createHmac, createSecretKey, randomBytes } from 'node:crypto'
import { bowserDevice } from '@countersign/adapters/bowser'
import { mikroOrmSink } from '@countersign/adapters/mikro-orm'
import { createAuditTrail, memorySink, rowId, runInContext } from '@countersign/core'
import { groupCommit } from './bare-writer.js'
import { interleaved, median, spread } from './rounds.js'
import { pgliteStore, postgresStore } from './writer-stores.js'

const callers = 256
const bulk = 5000
const ratios = {
  PostgreSQL: { bare: { atLeast: 0.9 }, copy: { atLeast: 0.7 }, late: { atMost: 1.5 }, lone: { atMost: 1.3 } },
  'PGlite, on disk': { copy: { atLeast: 0.6 } },
}

/** What a failed login and a payment bring, in turn: together they fill every column that an attempt can. */
const attempts = [
  [
    'login',
    {
      outcome: 'failure',
      reason: 'bad_credentials',
      subject: { type: 'user', id: '0198f1c2-7a51-7c3e-9d52-6d0f7a1be001' },
      attempted: 'jane.doe@example.com',
      details: { method: 'password', remember: true },
    },
  ],
  [
    'invoice_payment',
    {
      actor: { type: 'user', id: '0198f1c2-7a51-7c3e-9d52-6d0f7a1be001', label: 'Jane Doe' },
      onBehalfOf: { type: 'user', id: '0198f1c2-7a51-7c3e-9d52-6d0f7a1be002' },
      subject: { type: 'invoice', id: 'inv_0889' },
      details: { amount: 4990, currency: 'EUR', card: { brand: 'visa', last4: '4242' }, tags: ['q4', 'priority'] },
    },
  ],
]
const request = {
  sessionId: 'ses_8b1f0c55a7',
  tenant: 'acme',
  address: '203.0.113.7',
  proxies: [
    { address: '10.0.0.1', trusted: true },
    { address: '203.0.113.7', trusted: false },
  ],
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0',
  httpMethod: 'POST',
  route: '/invoices/:id/payments',
}

/** Makes attempts of a trail over a sink; each in a context of its own, as a request is. */
function recorderOver(sink) {
  const trail = createAuditTrail({
    sink,
    key: 'a key of the bench, and long enough for one',
    device: bowserDevice(),
    events: { invoice_payment: { severity: 'low' } },
  })
  let made = 0
  const record = () => {
    const [event, options] = attempts[made++ % attempts.length]
    return runInContext({ ...request, requestId: rowId() }, () => trail.record(event, options))
  }
  return { record, trail }
}

/**
 * The same rows for whoever only writes rows. `made` are there before the clock runs; `byHand` makes
 * one as somebody would without a trail: what the attempt brings as it is, and an id, a time and the
 * keyed hashes, which no attempt brings.
 */
async function rowSource() {
  const sink = memorySink()
  const { record } = recorderOver(sink)
  for (const _ of attempts) await record()
  const [...samples] = sink.rows
  const key = createSecretKey(randomBytes(32))
  const hashed = (text) => createHmac('sha256', key).update(text).digest().subarray(0, 16).toString('base64url')
  let handed = 0
  const byHand = () => {
    const { attempted, ...sample } = samples[handed++ % samples.length]
    return {
      ...sample,
      id: rowId(),
      occurredAt: new Date(),
      requestId: rowId(),
      sessionId: hashed(request.sessionId),
      attempted: attempted && { hash: hashed(attempts[0][1].attempted), masked: attempted.masked },
    }
  }
  return { byHand, made: (count) => Array.from({ length: count }, byHand) }
}

/**
 * Rows per second of attempts that wait until their row is stored, beside what the database can do
 * (a bare group commit and bulk copies of rows that are there already) and what a user of MikroORM
 * would write. The bare group commit is measured with rows made by hand, too: that much nobody is spared.
 */
export async function writer(report) {
  const rows = await rowSource()
  for (const open of [postgresStore, pgliteStore]) {
    const store = await open()
    if (!store) {
      report.unmeasured('writer: no PostgreSQL server is reachable at TEST_DATABASE_URL; its limits were not measured.')
      continue
    }
    try {
      await measure(report, store, rows)
    } finally {
      await store.close()
    }
  }
}

async function measure(report, store, rows) {
  const written = { rows: 0 }
  const counted = (count) => {
    written.rows += count
    return rows.made(count)
  }
  const { record, trail } = recorderOver(mikroOrmSink(store.orm))
  const own = () => {
    written.rows++
    return record()
  }
  const { backend } = store
  const figures = figuresOf((figure) => report({ bench: 'writer', backend, ...figure }), ratios[backend])
  const commit = groupCommit(store.copies)
  const bare = () => {
    written.rows++
    return commit(rows.byHand())
  }
  const perSecond = await throughput(figures, store, { own, bare, commit }, counted)
  await lateness(figures, perSecond / 2, own, bare)
  await loneness(figures, store, own, counted)
  assert.equal(trail.counts.lost, 0, 'every row of an attempt is stored')
  const [{ stored, apart }] = await store.query(
    'select count(*)::int as stored, count(distinct id)::int as apart from audit_event',
  )
  assert.deepEqual({ stored, apart }, { stored: written.rows, apart: written.rows }, 'every row is there, once')
  await trail.close()
}

function figuresOf(report, limits) {
  const values = (figure, all, unit) => report({ figure, value: median(all), unit, spread: spread(all) })
  const ratio = (figure, all, peers, limit) => {
    const shares = all.map((value, round) => value / peers[round])
    report({ figure, value: median(shares), unit: 'ratio', spread: spread(shares), ...limit })
  }
  return { values, ratio, limits }
}

async function throughput({ values, ratio, limits }, store, { own, bare, commit }, counted) {
  const size = 12_000
  const [copy] = store.copies
  const perSecond = await interleaved(
    {
      own: () => rate(callers, Array(size).fill(null), own),
      bare: () => rate(callers, Array(size).fill(null), bare),
      made: () => rate(callers, counted(size), commit),
      copy: async () => {
        const [first, second] = [counted(bulk), counted(bulk)]
        return bulk * (await rate(1, [first, second], copy))
      },
      orm: () => rate(64, counted(size / 16).map(store.entityFor), store.persist),
    },
    { rounds: 9, warmup: 2 },
  )
  values('attempts, awaited, 256 in flight', perSecond.own, 'rows/s')
  values('bare group commit, rows there already', perSecond.made, 'rows/s')
  values('the same, rows made by hand', perSecond.bare, 'rows/s')
  values('COPY in batches of 5,000', perSecond.copy, 'rows/s')
  values('MikroORM persist + flush, 64 at once', perSecond.orm, 'rows/s')
  ratio('attempts / bare group commit', perSecond.own, perSecond.made, limits.bare)
  ratio('attempts / bare, rows made by hand', perSecond.own, perSecond.bare)
  ratio('attempts / COPY', perSecond.own, perSecond.copy, limits.copy)
  ratio('attempts / persist + flush', perSecond.own, perSecond.orm, { atLeast: 10 })
  return median(perSecond.own)
}

async function lateness({ values, ratio, limits }, perSecond, own, bare) {
  const count = Math.round(perSecond / 2)
  const late = await interleaved(
    {
      own: () => latest(perSecond, Array(count).fill(null), own),
      bare: () => latest(perSecond, Array(count).fill(null), bare),
    },
    { rounds: 15, warmup: 1 },
  )
  values('p99 of an attempt, at half of its rate', late.own, 'ms')
  values('p99 of the bare group commit, there', late.bare, 'ms')
  ratio('p99, attempt / bare group commit', late.own, late.bare, limits.late)
}

async function loneness({ values, ratio, limits }, store, own, counted) {
  const count = 200
  const alone = await interleaved(
    {
      own: () => each(Array(count).fill(null), own),
      plain: () => each(counted(count), store.insert),
    },
    { rounds: 15, warmup: 2 },
  )
  values('a lone attempt', alone.own, 'ms')
  values('one plain insert', alone.plain, 'ms')
  ratio('lone attempt / plain insert', alone.own, alone.plain, limits.lone)
}

/** Items per second, so many at once. */
async function rate(atOnce, items, run) {
  const from = performance.now()
  let next = 0
  const caller = async () => {
    while (next < items.length) await run(items[next++])
  }
  await Promise.all(Array.from({ length: atOnce }, caller))
  return (items.length / (performance.now() - from)) * 1000
}

/** The 99th percentile in milliseconds, where items come as they come, whoever still waits. */
function latest(perSecond, items, run) {
  const took = []
  const from = performance.now()
  return new Promise((resolve, reject) => {
    let next = 0
    const come = () => {
      const due = ((performance.now() - from) / 1000) * perSecond
      for (; next < items.length && next < due; next++) {
        const at = from + (next / perSecond) * 1000
        run(items[next]).then(() => {
          took.push(performance.now() - at)
          if (took.length === items.length) resolve(took.sort((a, b) => a - b)[Math.floor(took.length * 0.99)])
        }, reject)
      }
      if (next < items.length) setTimeout(come, 1)
    }
    come()
  })
}

/** The median in milliseconds, one after the other. */
async function each(items, run) {
  const took = []
  for (const item of items) {
    const from = performance.now()
    await run(item)
    took.push(performance.now() - from)
  }
  return median(took)
}

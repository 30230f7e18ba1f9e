import { type PrometheusMetrics, prometheusMetrics } from '@countersign/adapters/prom-client'
import {
  type AuditRow,
  type AuditSink,
  catalogue,
  createAuditTrail,
  memorySink,
  type TrailGauges,
} from '@countersign/core'
import { sampleRow } from '@countersign/core/testing'
import { Counter, Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { codeOf } from '../support/recording.js'

/** The samples of a text: what stands before the value, and the value. */
async function samples(metrics: PrometheusMetrics): Promise<Map<string, number>> {
  const lines = (await metrics.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

const rowOf = (event: string): AuditRow => sampleRow({ event } as never)
const gauges = (given: Partial<TrailGauges> = {}): TrailGauges => ({
  waiting: 0,
  spooledRows: 0,
  spooledBytes: 0,
  reachable: true,
  collapsed: 0,
  ...given,
})
const known = Object.keys(catalogue).length

describe('prometheusMetrics', () => {
  it('counts the rows of a trail by event, outcome and place', async () => {
    const metrics = prometheusMetrics()
    const trail = createAuditTrail({ sink: memorySink(), metrics })
    await trail.record('login', { outcome: 'failure' })
    await trail.record('login', { outcome: 'failure' })
    await trail.record('logout')
    const read = await samples(metrics)
    expect(read.get('countersign_rows_total{event="login",outcome="failure",where="store"}')).toBe(2)
    expect(read.get('countersign_rows_total{event="logout",outcome="success",where="store"}')).toBe(1)
    expect(read.get('countersign_row_delivery_seconds_count{where="store"}')).toBe(3)
    expect([...read.keys()].filter((name) => name.startsWith('countersign_rows_total'))).toHaveLength(2)
  })

  it('counts no row twice, however often it is read', async () => {
    const metrics = prometheusMetrics()
    metrics.stored(rowOf('login'), 'spool', 0.001)
    metrics.lost(rowOf('login'))
    await metrics.text()
    const read = await samples(metrics)
    expect(read.get('countersign_rows_total{event="login",outcome="failure",where="spool"}')).toBe(1)
    expect(read.get('countersign_rows_lost_total{event="login"}')).toBe(1)
  })

  it('has a count of losses for each event of the catalogue from the start, so that the first one shows', async () => {
    const metrics = prometheusMetrics()
    const before = await samples(metrics)
    const losses = [...before].filter(([name]) => name.startsWith('countersign_rows_lost_total'))
    expect(losses).toHaveLength(known + 1)
    expect(losses.every(([, value]) => value === 0)).toBe(true)
    const away: AuditSink = { name: 'away', write: () => Promise.reject(new Error('away')) }
    const trail = createAuditTrail({ sink: away, metrics })
    trail.signals.on('fault', () => undefined)
    await trail.record('login')
    expect((await samples(metrics)).get('countersign_rows_lost_total{event="login"}')).toBe(1)
  })

  it('tells delivery apart from a tenth of a millisecond to ten seconds', async () => {
    const metrics = prometheusMetrics()
    for (const seconds of [0.00005, 0.003, 7, 60]) metrics.stored(rowOf('login'), 'store', seconds)
    const read = await samples(metrics)
    const within = (le: string) => read.get(`countersign_row_delivery_seconds_bucket{le="${le}",where="store"}`)
    expect(['0.0001', '0.0025', '0.005', '5', '10', '+Inf'].map(within)).toEqual([1, 1, 2, 2, 3, 4])
    expect(read.get('countersign_row_delivery_seconds_sum{where="store"}')).toBeCloseTo(67.00305)
  })

  it('tells how large batches are and how long they take', async () => {
    const metrics = prometheusMetrics()
    metrics.batch(1, 0.002)
    metrics.batch(300, 0.02)
    const read = await samples(metrics)
    expect(read.get('countersign_batch_rows_sum')).toBe(301)
    expect(read.get('countersign_batch_rows_bucket{le="1"}')).toBe(1)
    expect(read.get('countersign_batch_rows_bucket{le="500"}')).toBe(2)
    expect(read.get('countersign_batch_seconds_sum')).toBeCloseTo(0.022)
  })

  it('reads the gauges when it is asked, and not before', async () => {
    const metrics = prometheusMetrics()
    let now = gauges()
    metrics.gauges(() => now)
    now = { waiting: 1, spooledRows: 2, spooledBytes: 300, reachable: false, collapsed: 4 }
    const read = await samples(metrics)
    const names = ['rows_waiting', 'spool_rows', 'spool_bytes', 'store_reachable', 'flood_repeats_collapsed']
    expect(names.map((name) => read.get(`countersign_${name}`))).toEqual([1, 2, 300, 0, 4])
    now = gauges()
    expect((await samples(metrics)).get('countersign_store_reachable')).toBe(1)
  })

  it('sums up the trails that share it', async () => {
    const metrics = prometheusMetrics()
    metrics.gauges(() => gauges({ waiting: 1 }))
    metrics.gauges(() => gauges({ waiting: 2, reachable: false }))
    const read = await samples(metrics)
    expect(read.get('countersign_rows_waiting')).toBe(3)
    expect(read.get('countersign_store_reachable')).toBe(0)
  })
})

describe('the labels', () => {
  it('are bounded: events beyond maxEvents count as one', async () => {
    const metrics = prometheusMetrics({ maxEvents: known + 1 })
    for (let index = 0; index < 1000; index++) {
      metrics.stored(rowOf(`own_${index}`), 'store', 0)
      metrics.lost(rowOf(`own_${index}`))
    }
    metrics.stored(rowOf('login'), 'store', 0)
    const read = await samples(metrics)
    const rows = [...read].filter(([name]) => name.startsWith('countersign_rows_total'))
    expect(new Map(rows)).toEqual(
      new Map([
        ['countersign_rows_total{event="login",outcome="failure",where="store"}', 1],
        ['countersign_rows_total{event="own_0",outcome="failure",where="store"}', 1],
        ['countersign_rows_total{event="other",outcome="failure",where="store"}', 999],
      ]),
    )
    expect(read.get('countersign_rows_lost_total{event="other"}')).toBe(999)
  })

  it('hold nothing that a client wrote', async () => {
    const metrics = prometheusMetrics()
    const trail = createAuditTrail({ sink: memorySink(), metrics })
    const written = 'written-by-a-client'
    await trail.record('login', {
      outcome: 'failure',
      reason: written as never,
      attempted: written,
      actor: { type: 'user', id: written, label: written },
      subject: { type: 'user', id: written },
      details: { [written]: written } as never,
    })
    expect(await metrics.text()).not.toContain(written)
  })
})

describe('the text', () => {
  it('names everything as Prometheus wants it, with a help and a type', async () => {
    const metrics = prometheusMetrics()
    metrics.stored(rowOf('login'), 'store', 0.001)
    metrics.batch(1, 0.001)
    const text = await metrics.text()
    const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]))
    expect(Object.fromEntries(types)).toEqual({
      countersign_rows_total: 'counter',
      countersign_rows_lost_total: 'counter',
      countersign_row_delivery_seconds: 'histogram',
      countersign_batch_rows: 'histogram',
      countersign_batch_seconds: 'histogram',
      countersign_rows_waiting: 'gauge',
      countersign_spool_rows: 'gauge',
      countersign_spool_bytes: 'gauge',
      countersign_store_reachable: 'gauge',
      countersign_flood_repeats_collapsed: 'gauge',
    })
    expect(text.match(/^# HELP \S+ \S.+\.$/gm)).toHaveLength(types.size)
    expect(metrics.contentType).toMatch(/^text\/plain; version=0\.0\.4/)
  })
})

describe('the registry', () => {
  it('is one of its own unless one is given: two trails of a process do not meet', async () => {
    const [one, two] = [prometheusMetrics(), prometheusMetrics()]
    one.stored(rowOf('login'), 'store', 0)
    expect(await one.text()).toContain('countersign_rows_total{')
    expect(await two.text()).not.toContain('countersign_rows_total{')
  })

  it('may be one that has other metrics, and two prefixes may share it', async () => {
    const registry = new Registry()
    new Counter({ name: 'orders_total', help: 'Orders.', registers: [registry] }).inc()
    const metrics = prometheusMetrics({ registry })
    prometheusMetrics({ registry, prefix: 'shop_audit_' })
    const text = await metrics.text()
    for (const name of ['orders_total', 'countersign_rows_waiting', 'shop_audit_rows_waiting'])
      expect(text).toMatch(new RegExp(`^${name} \\d`, 'm'))
  })

  it('refuses the same names twice, and says what to do', () => {
    const registry = new Registry()
    prometheusMetrics({ registry })
    expect(codeOf(() => prometheusMetrics({ registry }))).toBe('SETTING_INVALID')
  })
})

it.each([
  { maxEvents: 0 },
  { maxEvents: 1.5 },
  { maxEvents: '200' },
  { prefix: '' },
  { prefix: '1_' },
  { prefix: 'a b_' },
  { prefix: 'audit' },
  { registry: {} },
  { registry: null },
])('prometheusMetrics refuses %o', (options) => {
  expect(codeOf(() => prometheusMetrics(options as never))).toBe('SETTING_INVALID')
})

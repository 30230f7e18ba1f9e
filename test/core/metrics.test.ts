import { type AuditMetrics, type AuditSink, type BatchListener, memorySink, type TrailGauges } from '@countersign/core'
import { describe, expect, it } from 'vitest'
import { recording, warningsDuring } from '../support/recording.js'

type Call = readonly [string, ...unknown[]]

function noting(): { metrics: AuditMetrics; calls: Call[]; gauges: () => TrailGauges } {
  const calls: Call[] = []
  let read: (() => TrailGauges) | undefined
  const metrics: AuditMetrics = {
    stored: ({ event }, where, seconds) => void calls.push(['stored', event, where, seconds]),
    lost: ({ event }) => void calls.push(['lost', event]),
    batch: (rows, seconds) => void calls.push(['batch', rows, seconds]),
    gauges: (given) => {
      read = given
    },
  }
  return { metrics, calls, gauges: () => (read as () => TrailGauges)() }
}

function batching() {
  const listeners: BatchListener[] = []
  const sink = Object.assign(memorySink(), { onBatch: (listener: BatchListener) => void listeners.push(listener) })
  return { sink, tell: (rows: number, seconds: number) => listeners[0]?.(rows, seconds) }
}

describe('metrics', () => {
  it('are told of each row that is safe, where, and after how many seconds', async () => {
    const { metrics, calls } = noting()
    const { trail } = recording({ metrics })
    await trail.record('login')
    expect(calls).toEqual([['stored', 'login', 'store', expect.any(Number)]])
    expect(calls[0]?.[3]).toBeGreaterThan(0)
    expect(calls[0]?.[3]).toBeLessThan(10)
  })

  it('are told of each row that is lost, and of none that is safe', async () => {
    const { metrics, calls } = noting()
    const { trail } = recording({ metrics, sink: { name: 'away', write: () => Promise.reject(new Error('away')) } })
    await trail.record('login')
    expect(calls).toEqual([['lost', 'login']])
  })

  it('are told of each batch that a sink tells of', async () => {
    const { metrics, calls } = noting()
    const { sink, tell } = batching()
    recording({ metrics, sink })
    tell(7, 0.25)
    expect(calls).toEqual([['batch', 7, 0.25]])
  })

  it('can read how the trail fares at any moment', async () => {
    const { metrics, gauges } = noting()
    let broken = true
    const { trail } = recording({
      metrics,
      sink: {
        name: 'mending',
        waiting: 3,
        write: async () => (broken ? Promise.reject(new Error('away')) : undefined),
      },
    })
    expect(gauges()).toMatchObject({ waiting: 3, spooledRows: 0, spooledBytes: 0, reachable: true, collapsed: 0 })
    await trail.record('login')
    expect(gauges().reachable).toBe(false)
    broken = false
    await trail.record('login')
    expect(gauges().reachable).toBe(true)
  })
})

const fault = new Error('the metrics are broken')

describe.each([
  [
    'throw',
    (): never => {
      throw fault
    },
  ],
  ['reject', () => Promise.reject(fault) as never],
])('metrics that %s', (_, fail) => {
  const broken: AuditMetrics = { stored: fail, lost: fail, batch: fail, gauges: () => undefined }

  it('harm no attempt, no row, and no subscriber, and are a fault once', async () => {
    const { sink, tell } = batching()
    const { trail, faults } = recording({ metrics: broken, sink })
    const heard: string[] = []
    trail.signals.on('*', ({ name }) => heard.push(name))
    await trail.record('login')
    await trail.record('logout')
    tell(1, 1)
    await trail.settled()
    expect(sink.rows).toHaveLength(2)
    expect(trail.counts).toEqual({ recorded: 2, vetoed: 0, lost: 0 })
    expect(heard).toEqual(['login', 'logout'])
    expect(faults).toEqual([expect.objectContaining({ code: 'STEP_FAILED', cause: fault })])
  })

  it('leave a loss counted and signalled', async () => {
    const sink: AuditSink = { name: 'away', write: () => Promise.reject(new Error('away')) }
    const { trail, faults } = recording({ metrics: broken, sink })
    const lost: string[] = []
    trail.signals.on('loss', ({ row }) => lost.push(row.event))
    await trail.record('login')
    await trail.record('logout')
    await trail.settled()
    expect(lost).toEqual(['login', 'logout'])
    expect(trail.counts.lost).toBe(2)
    expect(faults.filter(({ code }) => code === 'STEP_FAILED')).toEqual([expect.objectContaining({ cause: fault })])
  })
})

it('metrics that throw when they are given the gauges do not keep a trail from being made', async () => {
  const { metrics, calls } = noting()
  const gauges = (): never => {
    throw fault
  }
  const warnings = await warningsDuring(() => recording({ metrics: { ...metrics, gauges } }).trail.record('login'))
  expect(warnings).toEqual([{ code: 'STEP_FAILED', message: expect.stringContaining('The metrics failed') }])
  expect(calls).toHaveLength(1)
})

import { type AuditError, type AuditSink, type AuditSpool, createAuditTrail } from '@countersign/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { memorySpool } from '../support/memory-spool.js'
import { sampleRows } from '../support/spools.js'
import { switchedSink } from '../support/switched-sink.js'

const policies = { logout: { delivery: 'deferred' }, token_refresh: { unreachable: 'open' } } as const

afterEach(() => {
  vi.useRealTimers()
})

it('while the store is away it is asked ever more rarely, and often again in the next outage', async () => {
  vi.useFakeTimers()
  let away = true
  const asks: number[] = []
  const sink: AuditSink = {
    name: 'away',
    async write() {
      asks.push(performance.now())
      if (away) throw new Error('gone')
    },
  }
  const pauses = (): number[] => asks.slice(1).map((moment, turn) => Math.round(moment - (asks[turn] as number)))
  const trail = createAuditTrail({ sink, spool: memorySpool(sampleRows(1)), policies })
  await vi.advanceTimersByTimeAsync(17_000)
  expect(pauses()).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000])
  away = false
  await vi.advanceTimersByTimeAsync(5000)
  expect(trail.health.reachable).toBe(true)

  away = true
  asks.length = 0
  await trail.record('logout')
  await vi.advanceTimersByTimeAsync(350)
  expect(pauses()).toEqual([100, 200])
  away = false
  await vi.advanceTimersByTimeAsync(5000)
  await trail.close()
})

describe('a spool that can not be read', () => {
  const unreadable = new Error('input/output error')
  const fails = () => Promise.reject(unreadable)
  const broken: Array<[string, Partial<AuditSpool>]> = [
    ['at its next rows', { next: fails }],
    ['at taking them out', { next: async () => ({ rows: sampleRows(1), done: fails }) }],
  ]

  it.each(broken)('is a fault of its own, and no outage of the store: %s', async (_, part) => {
    const sink = switchedSink()
    const faults: AuditError[] = []
    const trail = createAuditTrail({ sink, spool: memorySpool(sampleRows(1), part) })
    trail.signals.on('fault', ({ error }) => faults.push(error))
    await expect.poll(() => faults).toMatchObject([{ code: 'SPOOL_FAILED', cause: unreadable }])
    expect(trail.health.reachable).toBe(true)
    await trail.record('login')
    expect(sink.stored.rows.map(({ event }) => event)).toContain('login')
    await trail.close()
  })
})

describe('a store that answers again', () => {
  /** A trail with this many rows in its spool, and a store that is away and then answers batch by batch. */
  async function catchingUp(waiting: number) {
    const answers: Array<() => void> = []
    let away = true
    const sink: AuditSink = {
      name: 'slow',
      write(rows) {
        if (away) return Promise.reject(new Error('gone'))
        if (rows[0]?.event === 'token_refresh') return Promise.resolve()
        return new Promise((resolve) => answers.push(resolve))
      },
    }
    // All of them but the row that says that the outage began.
    const spool = memorySpool(sampleRows(waiting - 1))
    const trail = createAuditTrail({ sink, spool, policies })
    await expect.poll(() => trail.health.reachable).toBe(false)
    await expect.poll(() => spool.rows.length).toBe(waiting)
    away = false
    await expect.poll(() => answers.length).toBe(1)
    return { trail, spool, answers }
  }

  it('is back when what waited is stored, and not before', async () => {
    const { trail, spool, answers } = await catchingUp(1001)
    for (const [batch, left] of [501, 1].entries()) {
      answers[batch]?.()
      await expect.poll(() => answers.length).toBe(batch + 2)
      expect([spool.rows.length, trail.health.reachable]).toEqual([left, false])
    }
    answers[2]?.()
    await expect.poll(() => trail.health.reachable).toBe(true)
    // The row that says so.
    await expect.poll(() => answers.length).toBe(4)
    answers[3]?.()
    await trail.close()
  })

  it('is back with its last batch also where that is a full one', async () => {
    const { trail, answers } = await catchingUp(500)
    answers[0]?.()
    await expect.poll(() => trail.health.reachable).toBe(true)
    await expect.poll(() => answers.length).toBe(2)
    answers[1]?.()
    await trail.close()
  })

  it('is not back because it took a row that came past the spool', async () => {
    const { trail, answers } = await catchingUp(2)
    await trail.record('token_refresh')
    expect(trail.counts.lost).toBe(0)
    expect(trail.health.reachable).toBe(false)
    answers[0]?.()
    await expect.poll(() => trail.health.reachable).toBe(true)
    await expect.poll(() => answers.length).toBe(2)
    answers[1]?.()
    await trail.close()
  })
})

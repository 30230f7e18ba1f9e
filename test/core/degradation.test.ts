import { type AuditLimiter, type Degradation, type DegradationListener, runInContext } from '@countersign/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { recording } from '../support/recording.js'

/** A limiter that says of itself what it is told to. */
function limiterThatTells() {
  const listeners = new Set<DegradationListener>()
  const limiter: AuditLimiter = {
    name: 'telling',
    scopes: new Set(),
    reserve: async () => null,
    clear: async () => undefined,
    watch(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
  const tell = (state: Partial<Degradation> & { degraded: boolean }): void => {
    for (const listener of listeners) listener({ component: 'limiter', reaction: 'insure', ...state })
  }
  return { limiter, tell, listeners }
}

const refused = Object.assign(new Error('connect ECONNREFUSED redis://:hunter2@cache:6379'), { code: 'ECONNREFUSED' })

afterEach(() => vi.useRealTimers())

describe('a trail whose limiter can be watched', () => {
  it('records one row when an outage begins and one when it ends', async () => {
    const { limiter, tell } = limiterThatTells()
    const { trail, rows } = recording({ limiter })
    tell({ degraded: true, cause: refused })
    tell({ degraded: true, cause: refused })
    tell({ degraded: false })
    tell({ degraded: false })
    await trail.settled()
    expect(rows).toMatchObject([
      {
        event: 'degradation_start',
        outcome: 'failure',
        reason: 'unavailable',
        severity: 'high',
        actor: { type: 'service', id: 'limiter' },
        details: { component: 'limiter', reaction: 'insure', error: 'ECONNREFUSED' },
      },
      {
        event: 'degradation_end',
        outcome: 'success',
        reason: null,
        severity: 'informational',
        details: { component: 'limiter', reaction: 'insure', seconds: expect.any(Number) },
      },
    ])
    expect(JSON.stringify(rows)).not.toMatch(/hunter2|cache/)
  })

  it('says how long it took, in tenths of a second', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const { limiter, tell } = limiterThatTells()
    const { trail, rows } = recording({ limiter })
    vi.advanceTimersByTime(5000)
    tell({ degraded: true })
    vi.advanceTimersByTime(12_340)
    tell({ degraded: false })
    await trail.settled()
    expect(rows.map(({ details }) => details)).toEqual([
      { component: 'limiter', reaction: 'insure' },
      { component: 'limiter', reaction: 'insure', seconds: 12.3 },
    ])
  })

  it('records each outage', async () => {
    const { limiter, tell } = limiterThatTells()
    const { trail, rows } = recording({ limiter })
    for (const degraded of [true, false, true, false]) tell({ degraded })
    await trail.settled()
    expect(rows.map(({ event }) => event)).toEqual([
      'degradation_start',
      'degradation_end',
      'degradation_start',
      'degradation_end',
    ])
  })

  it.each([
    ['a code of PostgreSQL', { code: '57P01' }, '57P01'],
    ['a number', { code: 7 }, undefined],
    ['the name of its kind', new RangeError('x'), 'RangeError'],
    ['no more than being an error', new Error('x'), undefined],
    ['a sentence', { code: 'redis://:hunter2@cache' }, undefined],
    ['nothing', undefined, undefined],
    ['null', null, undefined],
    ['a code of several words', { code: 'NOT_CONNECTED' }, 'NOT_CONNECTED'],
    ['a code of 40 characters', { code: 'x'.repeat(40) }, 'x'.repeat(40)],
    ['a code of 41 characters', { code: 'x'.repeat(41) }, undefined],
  ])('says of a cause with %s its code alone', async (_, cause, error) => {
    const { limiter, tell } = limiterThatTells()
    const { trail, rows } = recording({ limiter })
    tell({ degraded: true, cause })
    await trail.settled()
    expect(rows.map(({ details }) => (details as { error?: string }).error)).toEqual([error])
  })

  it('records it in nobody’s request, though it was noticed in one', async () => {
    const { limiter, tell } = limiterThatTells()
    const { trail, rows } = recording({ limiter })
    runInContext({ address: '192.0.2.1', requestId: 'r-1' }, () => tell({ degraded: true }))
    await trail.settled()
    expect(rows).toMatchObject([{ address: null, requestId: null }])
  })

  it('shares the limiter with other trails, which record it too', async () => {
    const { limiter, tell } = limiterThatTells()
    const both = [recording({ limiter }), recording({ limiter })]
    tell({ degraded: true })
    for (const { trail, rows } of both) {
      await trail.settled()
      expect(rows).toHaveLength(1)
    }
  })

  it('watches it until it is closed', async () => {
    const { limiter, tell, listeners } = limiterThatTells()
    const { trail, rows, faults } = recording({ limiter })
    expect(listeners.size).toBe(1)
    await trail.close()
    expect(listeners.size).toBe(0)
    tell({ degraded: true })
    expect([rows, faults]).toEqual([[], []])
  })
})

import {
  AuditError,
  AuditedCall,
  type AuditRow,
  type AuditSink,
  type AuditTrailOptions,
  createAuditTrail,
} from '@countersign/core'
import { describe, expect, it } from 'vitest'
import { memorySpool } from '../support/memory-spool.js'
import { switchedSink } from '../support/switched-sink.js'

const eventsOf = (rows: readonly AuditRow[]): string[] => rows.map(({ event }) => event)

/** A trail, the names of the rows it announced and lost, and the codes of its faults. */
function trailOf(options: AuditTrailOptions) {
  const trail = createAuditTrail(options)
  const heard: string[] = []
  const lost: string[] = []
  const faults: string[] = []
  trail.signals.on('*', ({ row }) => heard.push(row.event))
  trail.signals.on('loss', ({ row }) => lost.push(row.event))
  trail.signals.on('fault', ({ error }) => faults.push(error.code))
  /** One call that attempts all of this. */
  const call = (...events: string[]): Promise<void> => {
    const attempted = new AuditedCall(trail, {}, { className: 'Session', actor: null }, 'post', undefined)
    for (const event of events) attempted.open(event as never)
    return attempted.close({})
  }
  return { trail, heard, lost, faults, call }
}

/** A store that takes every event but these. */
function refusing(...refused: string[]) {
  const stored: string[] = []
  const sink: AuditSink = {
    name: 'refusing',
    async write(rows) {
      if (rows.some(({ event }) => refused.includes(event))) throw new AuditError('ROW_REFUSED', 'Not this one.')
      stored.push(...eventsOf(rows))
    },
  }
  return { sink, stored }
}

describe('rows of one call', () => {
  const policies = { logout: { delivery: 'deferred' }, token_refresh: { unreachable: 'open' } } as const

  it.each([[['logout', 'token_refresh']], [['token_refresh', 'logout']]])(
    'go each its own way while the store is away: %o',
    async (events) => {
      const sink = switchedSink()
      sink.state = 'down'
      const spool = memorySpool()
      const { trail, lost, call } = trailOf({ sink, spool, policies })
      await call(...events)
      expect(eventsOf(spool.rows)).toContain('logout')
      expect(eventsOf(spool.rows)).not.toContain('token_refresh')
      expect(lost).toEqual(['token_refresh'])
      expect(trail.counts.lost).toBe(1)
      await trail.close()
    },
  )

  it.each([
    ['with a spool', memorySpool()],
    ['without one', undefined],
  ])('are stored but for the one that the store refuses, %s', async (_, spool) => {
    const { sink, stored } = refusing('logout')
    const { trail, heard, lost, call } = trailOf({ sink, ...(spool ? { spool } : {}) })
    await call('login', 'logout', 'signup')
    expect(stored.filter((event) => event !== 'audit_loss').sort()).toEqual(['login', 'signup'])
    expect(heard.sort()).toEqual(['login', 'signup'])
    expect(lost).toEqual(['logout'])
    expect(trail.counts).toMatchObject({ recorded: 2, lost: 1 })
    expect(trail.health.reachable, 'the store is not at fault').toBe(true)
    if (spool) expect(eventsOf(spool.aside)).toEqual(['logout'])
    await trail.close()
  })
})

it('a report of losses that the store refuses is no outage, and is not tried again', async () => {
  const { sink, stored } = refusing('logout', 'audit_loss')
  const { trail, call } = trailOf({ sink, spool: memorySpool() })
  await call('logout')
  await trail.close()
  expect(trail.health.reachable).toBe(true)
  expect(stored).toEqual([])
})

describe('closing a trail', () => {
  it.each([
    ['any error', new Error('the last flush failed')],
    ['one of ours', new AuditError('STORE_UNREACHABLE', 'The last flush failed.')],
  ])('rejects with what the sink rejects with: %s', async (_, failure) => {
    const sink: AuditSink = { name: 'failing', write: async () => undefined, close: () => Promise.reject(failure) }
    await expect(trailOf({ sink }).trail.close()).rejects.toBe(failure)
  })

  it('does not wait for a sink that never closes, and says so', async () => {
    const sink: AuditSink = { name: 'hanging', write: async () => undefined, close: () => new Promise(() => undefined) }
    const { trail, faults } = trailOf({ sink, patience: 20 })
    await trail.close()
    expect(faults).toEqual(['STORE_SILENT'])
  })
})

describe('an answer that comes when nobody waits for it any more', () => {
  /** A store that answers when it is told to, and at once from `release` on. */
  function held() {
    const answers: Array<{ resolve: () => void; reject: (cause: Error) => void }> = []
    let free = false
    const write = () =>
      free ? Promise.resolve() : new Promise<void>((resolve, reject) => answers.push({ resolve, reject }))
    const release = (): void => {
      free = true
      for (const { resolve } of answers) resolve()
    }
    return { answers, release, sink: { name: 'held', write } satisfies AuditSink }
  }
  const settle = { resolves: 'resolve', rejects: 'reject' } as const

  it.each(['resolves', 'rejects'] as const)('counts and announces nothing twice: it %s', async (how) => {
    const { answers, release, sink } = held()
    const { trail, heard, lost } = trailOf({ sink, patience: 20 })
    await trail.record('login')
    expect(trail.counts).toEqual({ recorded: 0, vetoed: 0, lost: 1 })
    answers[0]?.[settle[how]](new Error('too late'))
    await trail.settled()
    expect([trail.counts, heard, lost]).toEqual([{ recorded: 0, vetoed: 0, lost: 1 }, [], ['login']])
    release()
    await trail.close()
  })

  it('counts nothing twice where the row is in the spool by then', async () => {
    const { answers, release, sink } = held()
    const spool = memorySpool()
    const { trail, heard } = trailOf({ sink, spool, patience: 20 })
    await trail.record('login')
    await expect.poll(() => answers.length).toBeGreaterThan(1)
    answers[0]?.resolve()
    await expect.poll(() => heard).toContain('degradation_start')
    expect(heard.filter((event) => event === 'login')).toEqual(['login'])
    expect(trail.counts).toMatchObject({ recorded: heard.length, lost: 0 })
    expect(trail.health.reachable, 'one late answer does not end an outage').toBe(false)
    release()
    await trail.close()
  })
})

import { AsyncLocalStorage } from 'node:async_hooks'
import {
  AuditedCall,
  createAuditTrail,
  currentAttempt,
  currentContext,
  currentFlow,
  memorySink,
  runInContext,
  runInFlow,
} from '@countersign/core'
import { describe, expect, it } from 'vitest'
import { nextTurn, recording, sleep, warningsDuring } from '../support/recording.js'

const cause = new Error('the pager is broken')
const failing: Array<[string, () => unknown]> = [
  [
    'throws',
    () => {
      throw cause
    },
  ],
  ['rejects', () => Promise.reject(cause)],
  ['rejects later', () => sleep(1).then(() => Promise.reject(cause))],
  [
    'returns a thenable that rejects',
    // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested
    () => ({ then: (_: unknown, reject: (cause: unknown) => void) => reject(cause) }),
  ],
]

describe.each(failing)('a subscriber that %s', (_, subscriber) => {
  it('harms neither the row, nor the caller, nor the other subscribers, and is reported', async () => {
    const { trail, rows, faults } = recording()
    const heard: string[] = []
    trail.signals.on('login', subscriber)
    trail.signals.on('login', () => heard.push('login'))
    trail.signals.on('*', () => heard.push('*'))
    await trail.record('login')
    await sleep(10)
    expect(rows).toHaveLength(1)
    expect(heard).toEqual(['login', '*'])
    expect(trail.counts).toEqual({ recorded: 1, vetoed: 0, lost: 0 })
    expect(faults).toMatchObject([{ code: 'SUBSCRIBER_FAILED', cause }])
    expect(faults[0]?.message).toContain("'login'")
  })

  it('is a warning of the process when nobody subscribed to faults', async () => {
    const trail = createAuditTrail({ sink: memorySink() })
    trail.signals.on('login', subscriber)
    const warnings = await warningsDuring(async () => {
      await trail.record('login')
      await sleep(10)
    })
    expect(warnings).toMatchObject([{ code: 'SUBSCRIBER_FAILED' }])
  })

  it('of faults is not told of its own fault, and ends nothing', async () => {
    const trail = createAuditTrail({ sink: memorySink() })
    let told = 0
    trail.signals.on('fault', () => {
      told++
      return subscriber()
    })
    trail.signals.on('login', () => {
      throw new Error('x')
    })
    await trail.record('login')
    await sleep(10)
    expect(told).toBe(1)
  })
})

describe('a subscriber', () => {
  it('that hangs holds nobody up', async () => {
    const { trail, rows } = recording()
    trail.signals.on('*', () => new Promise(() => undefined))
    await trail.record('login')
    await trail.settled()
    await trail.close()
    expect(rows).toHaveLength(1)
  })

  it('that ends its own subscription while it runs leaves the others alone', async () => {
    const { trail } = recording()
    const heard: string[] = []
    const off = trail.signals.on('login', () => {
      off()
      heard.push('first')
    })
    trail.signals.on('login', () => heard.push('second'))
    await trail.record('login')
    await trail.record('login')
    expect(heard).toEqual(['first', 'second', 'second'])
  })

  it('that records an attempt itself leaves a row of its own', async () => {
    const { trail, rows } = recording()
    trail.signals.on('login.failure', () => trail.record('suspicious_activity'))
    await trail.record('login', { outcome: 'failure' })
    await nextTurn()
    expect(rows.map(({ event }) => event)).toEqual(['login', 'suspicious_activity'])
  })

  it('runs in nobody’s request: not in its context, its call, or any store of the application', async () => {
    const { trail } = recording()
    const transaction = new AsyncLocalStorage<string>()
    const seen: unknown[] = []
    const look = (): void => {
      currentAttempt().reason('from_a_subscriber')
      seen.push(currentContext(), currentFlow(), transaction.getStore())
    }
    trail.signals.on('login', async () => {
      look()
      await nextTurn()
      look()
    })
    const call = new AuditedCall(trail, {}, { className: 'C', actor: null }, 'post', undefined)
    call.open('login')
    await transaction.run('open', () =>
      runInContext({ requestId: 'r-1' }, () => runInFlow({ context: {}, trail, call }, () => call.close({}))),
    )
    await sleep(5)
    expect(seen).toEqual([{}, undefined, undefined, {}, undefined, undefined])
  })

  it('of losses and of faults runs outside too', async () => {
    const away = new Error('away')
    const trail = createAuditTrail({ sink: { name: 'away', write: () => Promise.reject(away) } })
    const seen: unknown[] = []
    trail.signals.on('loss', () => seen.push(currentContext()))
    trail.signals.on('fault', () => seen.push(currentContext()))
    await runInContext({ requestId: 'r-1' }, () => trail.record('login'))
    expect(seen).toEqual([{}, {}])
  })
})

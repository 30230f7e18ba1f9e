import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
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
import { withLoginAudit } from '@countersign/mixins'
import { describe, expect, it } from 'vitest'
import { finished, handling } from '../support/controllers.js'
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
    await expect.poll(() => faults).toMatchObject([{ code: 'SUBSCRIBER_FAILED', cause }])
    expect(rows).toHaveLength(1)
    expect(heard).toEqual(['login', '*'])
    expect(trail.counts).toEqual({ recorded: 1, vetoed: 0, lost: 0 })
    expect(faults[0]?.message).toContain("'login'")
  })

  it('is a warning of the process when nobody subscribed to faults', async () => {
    const trail = createAuditTrail({ sink: memorySink() })
    trail.signals.on('login', subscriber)
    const warnings = await warningsDuring(async () => {
      const warned = once(process, 'warning')
      await trail.record('login')
      await warned
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
    const warnings = await warningsDuring(async () => {
      const warned = once(process, 'warning')
      await trail.record('login')
      await warned
    })
    expect(told).toBe(1)
    expect(warnings).toMatchObject([{ code: 'SUBSCRIBER_FAILED', message: expect.stringMatching(/'fault'/) }])
  })
})

describe('a subscriber', () => {
  it.each([undefined, null, 7, 'text', {}, () => undefined])(
    'may return %s, and that is no fault',
    async (returned) => {
      const { trail, faults } = recording()
      let heard = 0
      trail.signals.on('login', () => {
        heard++
        return returned
      })
      await trail.record('login')
      await nextTurn()
      expect([heard, faults]).toEqual([1, []])
    },
  )

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

  it('whose subscription another one ends meanwhile is not told any more', async () => {
    const { trail } = recording()
    const heard: string[] = []
    const stop = new AbortController()
    const offs: Array<() => void> = []
    trail.signals.on('login', () => {
      heard.push('first')
      for (const off of offs) off()
      stop.abort()
    })
    offs.push(trail.signals.on('login', () => heard.push('unsubscribed')))
    offs.push(trail.signals.once('*', () => heard.push('unsubscribed, for one signal')))
    trail.signals.on('login.success', () => heard.push('aborted'), { signal: stop.signal })
    trail.signals.once('*', () => heard.push('aborted, for one signal'), { signal: stop.signal })
    trail.signals.on('*', () => heard.push('last'))
    await trail.record('login')
    expect(heard).toEqual(['first', 'last'])
  })

  it('that is subscribed meanwhile begins with the next row', async () => {
    const { trail } = recording()
    let heard = 0
    trail.signals.once('login', () => void trail.signals.on('login', () => ++heard))
    await trail.record('login')
    expect(heard).toBe(0)
    await trail.record('login')
    expect(heard).toBe(1)
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
    await expect.poll(() => seen).toHaveLength(6)
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

describe('subscribers that leave rows themselves', () => {
  /** All that was recorded, once nothing more comes of it. */
  async function rowsAfter(recorded: ReturnType<typeof recording>): Promise<string[]> {
    await recorded.trail.record('login')
    for (let turn = 0; turn < 20; turn++) await nextTurn()
    await recorded.trail.settled()
    return recorded.rows.map(({ event }) => event)
  }

  it('are not told of them, so that one that records for every row ends', async () => {
    const recorded = recording()
    recorded.trail.signals.on('*', () => recorded.trail.record('suspicious_activity'))
    expect(await rowsAfter(recorded)).toEqual(['login', 'suspicious_activity'])
    expect(await rowsAfter(recorded), 'and the next row is announced to it').toHaveLength(4)
  })

  it('are not told of them when they come later, or out of an audited method', async () => {
    const recorded = recording()
    const Audited = finished(withLoginAudit(handling(async () => nextTurn())), recorded)
    const controller = new Audited()
    recorded.trail.signals.on('login', async () => {
      await nextTurn()
      await controller.post()
    })
    expect(await rowsAfter(recorded)).toEqual(['login', 'login'])
  })

  it('are told of those of others, once, which ends two that answer each other', async () => {
    const recorded = recording()
    const heard: string[] = []
    recorded.trail.signals.on('login', () => recorded.trail.record('logout'))
    recorded.trail.signals.on('logout', () => recorded.trail.record('login'))
    recorded.trail.signals.on('*', ({ name }) => heard.push(name))
    expect(await rowsAfter(recorded)).toEqual(['login', 'logout', 'login'])
    expect(heard, 'one that only listens hears everything').toEqual(['login', 'logout', 'login'])
  })

  it('multiply, where several record on every row, and end', async () => {
    const recorded = recording()
    for (let count = 0; count < 3; count++) {
      recorded.trail.signals.on('*', () => recorded.trail.record('suspicious_activity'))
    }
    expect(await rowsAfter(recorded)).toHaveLength(16)
  })

  it('of two trails that answer each other end too', async () => {
    const [one, two] = [recording(), recording()]
    one.trail.signals.on('*', () => two.trail.record('logout'))
    two.trail.signals.on('*', () => one.trail.record('signup'))
    expect(await rowsAfter(one)).toEqual(['login', 'signup'])
    expect(two.rows).toHaveLength(1)
  })

  it('and subscribe again for the next row each time end too', async () => {
    const recorded = recording()
    const listen = (): unknown =>
      recorded.trail.signals.once('*', () => {
        listen()
        return recorded.trail.record('suspicious_activity')
      })
    listen()
    expect(await rowsAfter(recorded)).toEqual(['login', 'suspicious_activity'])
    expect(await rowsAfter(recorded), 'and the next row is announced to it').toHaveLength(4)
  })

  it('for every fault end beside one that fails every time', async () => {
    const recorded = recording()
    recorded.trail.signals.on('login', () => {
      throw new Error('x')
    })
    recorded.trail.signals.on('fault', () => recorded.trail.record('login'))
    expect(await rowsAfter(recorded)).toEqual(['login', 'login'])
    expect(recorded.faults).toHaveLength(1)
  })

  it('for every loss, or for every fault, end while the store is away', async () => {
    let writes = 0
    const sink = {
      name: 'away',
      write: () => {
        writes++
        return Promise.reject(new Error('away'))
      },
    }
    const trail = createAuditTrail({ sink })
    let faults = 0
    trail.signals.on('loss', () => trail.record('suspicious_activity'))
    trail.signals.on('fault', () => {
      faults++
      return trail.record('admin_action', { details: { action: 'look' } })
    })
    const warnings = await warningsDuring(async () => {
      await trail.record('login')
      for (let turn = 0; turn < 20; turn++) await nextTurn()
    })
    // login; by 'loss': one, by 'fault': one; of the one a fault, of the other a loss.
    expect(writes).toBe(5)
    expect(faults).toBe(2)
    expect(trail.counts.lost).toBe(5)
    expect(warnings.length, 'what nobody is left to be told of is a warning').toBeGreaterThan(0)
  })
})

import { getEventListeners } from 'node:events'
import { AuditError, type AuditSignal, createAuditTrail, memorySink } from '@countersign/core'
import { describe, expect, it } from 'vitest'
import { codeOf, recording } from '../support/recording.js'

/** A recording, and the names under which each of its rows was announced. */
function listening(...names: string[]) {
  const recorded = recording()
  const heard: string[] = []
  const offs = names.map((name) => recorded.trail.signals.on(name as 'login', () => heard.push(name)))
  return { ...recorded, heard, offs }
}

describe('a signal', () => {
  it('goes to its event, to its outcome and to everything, once each, in this order', async () => {
    const { trail, heard } = listening('*', 'login.success', 'login.failure', 'login', 'logout', 'log', 'login_x')
    await trail.record('login', { outcome: 'failure', reason: 'bad_credentials' })
    expect(heard).toEqual(['login', 'login.failure', '*'])
  })

  it('bears the name of the event and the row as it was stored', async () => {
    const { trail, rows } = recording()
    const heard: AuditSignal[] = []
    trail.signals.on('login.failure', (signal) => heard.push(signal))
    await trail.record('login', { outcome: 'failure' })
    expect(heard).toMatchObject([{ name: 'login', row: { event: 'login', outcome: 'failure' } }])
    expect(rows).toEqual(heard.map(({ row }) => row))
  })

  it('reaches every subscriber, in the order in which they came', async () => {
    const { trail } = recording()
    const heard: number[] = []
    for (const index of [1, 2, 3]) trail.signals.on('login', () => heard.push(index))
    await trail.record('login')
    expect(heard).toEqual([1, 2, 3])
  })

  it('comes after the row is stored, and before the call that left it returns', async () => {
    const recorded = recording()
    let stored = -1
    recorded.trail.signals.on('login', () => {
      stored = recorded.rows.length
    })
    await recorded.trail.record('login')
    expect(stored).toBe(1)
  })

  it('of another trail is not heard', async () => {
    const { heard } = listening('*')
    await recording().trail.record('login')
    expect(heard).toEqual([])
  })

  it('of an event that is called like something every object has is a signal like any other', async () => {
    const { trail, heard } = listening('constructor', '*')
    await trail.record('constructor' as never)
    expect(heard).toEqual(['constructor', '*'])
  })

  it('of an event called `all` is heard by its subscribers only, and once by those of everything', async () => {
    const { trail, heard } = listening('all', '*')
    await trail.record('login')
    await trail.record('all' as never)
    expect(heard).toEqual(['*', 'all', '*'])
  })
})

describe('a subscription', () => {
  it('ends when it is told to, however often', async () => {
    const { trail, heard, offs } = listening('login', 'login')
    offs[0]?.()
    offs[0]?.()
    await trail.record('login')
    expect(heard, 'the other one goes on').toEqual(['login'])
  })

  it('is counted once when it has ended, however often it was ended: the last one left is told', async () => {
    // Without a subscriber of faults, as a recording has one.
    const trail = createAuditTrail({ sink: memorySink() })
    const heard: string[] = []
    const off = trail.signals.on('login', () => heard.push('ended'))
    trail.signals.on('login', () => heard.push('left'))
    off()
    off()
    await trail.record('login')
    expect(heard).toEqual(['left'])
  })

  it('of the same function twice is two', async () => {
    const { trail } = recording()
    let heard = 0
    const count = (): number => ++heard
    const off = trail.signals.on('login', count)
    trail.signals.on('login', count)
    await trail.record('login')
    off()
    await trail.record('login')
    expect(heard).toBe(3)
  })

  it('ends when its AbortSignal aborts', async () => {
    const { trail } = recording()
    const stop = new AbortController()
    let heard = 0
    trail.signals.on('login', () => ++heard, { signal: stop.signal })
    await trail.record('login')
    stop.abort()
    await trail.record('login')
    expect(heard).toBe(1)
  })

  it('holds nothing of its AbortSignal when it has ended', () => {
    const { trail } = recording()
    const { signal } = new AbortController()
    const off = trail.signals.on('login', () => undefined, { signal })
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    off()
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('does not begin when its AbortSignal has aborted', async () => {
    const { trail } = recording()
    let heard = 0
    const off = trail.signals.on('login', () => ++heard, { signal: AbortSignal.abort() })
    trail.signals.once('login', () => ++heard, { signal: AbortSignal.abort() })
    await trail.record('login')
    off()
    expect(heard).toBe(0)
  })

  it('for one signal ends with it, however many come at once', async () => {
    const { trail } = recording()
    let heard = 0
    trail.signals.once('login', () => ++heard)
    await Promise.all([trail.record('login'), trail.record('login'), trail.record('login')])
    expect(heard).toBe(1)
  })

  it('for one signal can end before it', async () => {
    const { trail } = recording()
    let heard = 0
    trail.signals.once('login', () => ++heard)()
    const stop = new AbortController()
    trail.signals.once('login', () => ++heard, { signal: stop.signal })
    stop.abort()
    await trail.record('login')
    expect(heard).toBe(0)
  })

  it.each(['login', 'login.failure', 'invoice_payment.denied', '*', 'loss', 'fault'])('is taken to %j', (name) => {
    expect(codeOf(() => recording().trail.signals.on(name as 'login', () => undefined))).toBeNull()
  })

  it.each(['', 'Login', 'login.', 'login.maybe', 'login.failure.again', '.failure', '*.failure', 'login.*', 'log in'])(
    'is refused to %j',
    (name) =>
      expect(codeOf(() => recording().trail.signals.on(name as 'login', () => undefined))).toBe('SIGNAL_INVALID'),
  )

  it.each([undefined, null, 7, 7n, Symbol('s'), {}, ['login']])('is refused to what is no name: %s', (name) => {
    expect(() => recording().trail.signals.on(name as never, () => undefined)).toThrow(AuditError)
  })
})

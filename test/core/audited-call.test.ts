import { AuditedCall, type AuditRow, type AuditTrail, createAuditTrail, memorySink, runInFlow } from '@countersign/core'
import { describe, expect, it } from 'vitest'
import { onlyRow, recording, sleep, summary } from '../support/recording.js'

const owner = { className: 'SessionController', actor: null }

function open(trail: AuditTrail, events: readonly string[], parent?: AuditedCall): AuditedCall {
  const call = new AuditedCall(trail, { requestId: 'r-1' }, owner, 'post', parent)
  for (const event of events) call.open(event as never)
  return call
}

describe('an audited call', () => {
  it('leaves a row for each of its attempts, in one write', async () => {
    const writes: number[] = []
    const sink = memorySink()
    const trail = createAuditTrail({
      sink: {
        name: 'counting',
        write(rows) {
          writes.push(rows.length)
          return sink.write(rows)
        },
      },
    })
    await open(trail, ['login', 'two_factor_challenge']).close({})
    expect(writes).toEqual([2])
    expect(sink.rows.map(({ event }) => event)).toEqual(['login', 'two_factor_challenge'])
  })

  it('closes once, however often and from how many sides it is closed', async () => {
    const recorded = recording()
    const call = open(recorded.trail, ['login'])
    expect(call.closed).toBe(false)
    await Promise.all([call.close({ status: 401 }), call.close({ status: 200 }), call.close({ error: new Error('x') })])
    await call.close({})
    expect(call.closed).toBe(true)
    expect(onlyRow(recorded)).toMatchObject({ outcome: 'failure', status: 401 })
  })

  it('closes once also while the steps after it take their time', async () => {
    const recorded = recording()
    const call = open(recorded.trail, ['login'])
    call.afterwards.push(() => sleep(5))
    const first = call.close({ status: 401 })
    await call.close({ status: 200 })
    await first
    expect(onlyRow(recorded)).toMatchObject({ outcome: 'failure', status: 401 })
  })

  it('loses only the row that can not be made, and says which', async () => {
    const recorded = recording()
    await open(recorded.trail, ['No.Event', 'login']).close({})
    expect(summary(recorded)).toEqual(['login success'])
    expect(recorded.faults).toMatchObject([
      { code: 'ROW_LOST', message: expect.stringMatching(/'No\.Event'/), cause: { code: 'EVENT_NAME_INVALID' } },
    ])
  })

  it('leaves no row when nothing was attempted', async () => {
    const recorded = recording()
    await open(recorded.trail, []).close({})
    expect(recorded.rows).toEqual([])
  })

  it('takes its actor from its owner, unless the code named one', async () => {
    const recorded = recording()
    const source = { className: 'C', actor: () => ({ type: 'user' as const, id: 'u-1' }) }
    const call = new AuditedCall(recorded.trail, {}, source, 'post', undefined)
    call.open('login')
    call.open('logout').actor = { type: 'service', id: 's-1' }
    await call.close({})
    expect(recorded.rows.map(({ actor }) => actor.id)).toEqual(['u-1', 's-1'])
  })
})

describe('a nested call', () => {
  it('is delivered with the outermost one, not before', async () => {
    const recorded = recording()
    const outer = open(recorded.trail, ['signup'])
    const middle = open(recorded.trail, [], outer)
    const inner = open(recorded.trail, ['login'], middle)
    await inner.close({})
    await middle.close({})
    expect(recorded.rows).toEqual([])
    await outer.close({ status: 500 })
    expect(summary(recorded)).toEqual(['login success', 'signup failure'])
  })

  it('has the outcome that it had when it closed, whatever becomes of the outer one', async () => {
    const recorded = recording()
    const outer = open(recorded.trail, ['signup'])
    await open(recorded.trail, ['login'], outer).close({ error: { httpCode: 401 } })
    await outer.close({})
    expect(summary(recorded)).toEqual(['login failure', 'signup success'])
  })

  it('delivers by itself when the outer one is closed already', async () => {
    const recorded = recording()
    const outer = open(recorded.trail, ['signup'])
    const inner = open(recorded.trail, ['login'], outer)
    await outer.close({})
    expect(summary(recorded)).toEqual(['signup success'])
    await inner.close({})
    expect(summary(recorded)).toEqual(['login success', 'signup success'])
  })

  it('goes to its own trail', async () => {
    const [one, two] = [recording(), recording()]
    const outer = open(one.trail, ['signup'])
    await open(two.trail, ['login'], outer).close({})
    expect(two.rows).toEqual([])
    await outer.close({})
    expect([summary(one), summary(two)]).toEqual([['signup success'], ['login success']])
  })

  it('is delivered with its neighbours of the same trail, in one write for each trail', async () => {
    const writes: string[][] = []
    const counting = (name: string): AuditTrail =>
      createAuditTrail({
        sink: { name, write: async (rows) => void writes.push([name, ...rows.map(({ event }) => event)]) },
      })
    const [one, two] = [counting('one'), counting('two')]
    const outer = open(one, ['signup'])
    await open(two, ['login'], outer).close({})
    await open(two, ['logout'], outer).close({})
    await open(one, ['consent_update'], outer).close({})
    await outer.close({})
    expect(writes).toEqual([
      ['one', 'signup', 'consent_update'],
      ['two', 'login', 'logout'],
    ])
  })

  it('makes no write of nothing on the trail of an outer one that attempted nothing', async () => {
    const writes: number[] = []
    const trail = createAuditTrail({ sink: { name: 'counting', write: async (rows) => void writes.push(rows.length) } })
    const other = recording()
    const outer = open(trail, [])
    await open(other.trail, ['login'], outer).close({})
    await outer.close({})
    expect(writes).toEqual([])
    expect(summary(other)).toEqual(['login success'])
    await open(trail, []).close({})
    expect(writes).toEqual([])
  })

  it('goes to the outermost call that is open, past one between them that is closed', async () => {
    const recorded = recording()
    const outer = open(recorded.trail, ['signup'])
    const middle = open(recorded.trail, ['consent_update'], outer)
    const inner = open(recorded.trail, ['login'], middle)
    await middle.close({})
    await inner.close({})
    expect(recorded.rows).toEqual([])
    await outer.close({})
    expect(recorded.rows.map(({ event }) => event)).toEqual(['signup', 'consent_update', 'login'])
  })

  it('is delivered though the outer one attempted nothing', async () => {
    const recorded = recording()
    const outer = open(recorded.trail, [])
    await open(recorded.trail, ['login'], outer).close({})
    await outer.close({})
    expect(summary(recorded)).toEqual(['login success'])
  })

  it('waits for the outer call also when it is recorded by hand', async () => {
    const recorded = recording()
    const { trail } = recorded
    const outer = open(trail, ['signup'])
    await runInFlow({ context: {}, trail, call: outer }, () => trail.record('consent_update'))
    expect(recorded.rows).toEqual([])
    await outer.close({})
    expect(summary(recorded)).toEqual(['consent_update success', 'signup success'])
  })
})

describe('the steps after a call', () => {
  it.each([
    ['success', { status: 200 }, true],
    ['failure', { status: 401 }, false],
    ['denial', { status: 403 }, false],
  ])('are told of a %s, before the row is stored', async (_, ending, expected) => {
    const recorded = recording()
    const call = open(recorded.trail, ['login'])
    const told: Array<[boolean, readonly AuditRow[]]> = []
    call.afterwards.push(async (succeeded) => {
      told.push([succeeded, [...recorded.rows]])
    })
    await call.close(ending)
    expect(told).toEqual([[expected, []]])
  })

  it('are told of the ending also where nothing was attempted', async () => {
    const told: boolean[] = []
    for (const ending of [{ status: 200 }, { status: 401 }]) {
      const call = open(recording().trail, [])
      call.afterwards.push(async (succeeded) => void told.push(succeeded))
      await call.close(ending)
    }
    expect(told).toEqual([true, false])
  })

  it('harm nobody when they fail: the rest runs, the row is stored, the fault is reported', async () => {
    const recorded = recording()
    const call = open(recorded.trail, ['login'])
    const cause = new Error('limiter is away')
    let ran = false
    call.afterwards.push(
      () => Promise.reject(cause),
      async () => {
        ran = true
      },
    )
    await call.close({})
    expect(ran).toBe(true)
    expect(summary(recorded)).toEqual(['login success'])
    expect(recorded.faults).toMatchObject([{ code: 'STEP_FAILED', cause }])
  })
})

import { type AuditSink, createAuditTrail, type LossSignal, memorySink } from '@countersign/core'
import { describe, expect, it } from 'vitest'
import { recording, warningsDuring } from '../support/recording.js'

const cause = new Error('the store is away')
const away: Array<[string, AuditSink]> = [
  ['rejects', { name: 'away', write: () => Promise.reject(cause) }],
  [
    'throws',
    {
      name: 'away',
      write: () => {
        throw cause
      },
    },
  ],
]

describe.each(away)('a sink that %s', (_, sink) => {
  it('costs the row, which is counted and signalled with its cause, and rejects nobody', async () => {
    const { trail, faults } = recording({ sink })
    const losses: LossSignal[] = []
    const heard: string[] = []
    trail.signals.on('loss', (loss) => losses.push(loss))
    trail.signals.on('*', ({ name }) => heard.push(name))
    await trail.record('login', { outcome: 'failure' })
    expect(trail.counts).toEqual({ recorded: 0, vetoed: 0, lost: 1 })
    expect(losses).toMatchObject([{ name: 'loss', row: { event: 'login', outcome: 'failure' }, cause }])
    expect(faults).toMatchObject([{ code: 'ROW_LOST', cause }])
    expect(heard, 'what was not stored is not announced').toEqual([])
  })

  it('is a warning of the process when nobody subscribed to faults', async () => {
    const trail = createAuditTrail({ sink })
    const warnings = await warningsDuring(() => trail.record('login'))
    expect(warnings).toMatchObject([{ code: 'ROW_LOST', message: expect.stringContaining('the store is away') }])
  })
})

describe('a loss', () => {
  it('does not stop what comes after it', async () => {
    const sink = memorySink()
    let broken = true
    const { trail } = recording({
      sink: { name: 'mending', write: (rows) => (broken ? Promise.reject(cause) : sink.write(rows)) },
    })
    await trail.record('login')
    broken = false
    await trail.record('logout')
    expect(sink.rows.map(({ event }) => event)).toEqual(['logout'])
    expect(trail.counts).toEqual({ recorded: 1, vetoed: 0, lost: 1 })
    await trail.settled()
  })

  it('of a row that came after the trail was closed says so', async () => {
    const { trail, faults } = recording()
    await trail.close()
    await trail.record('login')
    expect(trail.counts.lost).toBe(1)
    expect(faults).toMatchObject([{ code: 'ROW_LOST', cause: { code: 'TRAIL_CLOSED' } }])
  })

  it('is told to a subscriber that throws without harm', async () => {
    const { trail, faults } = recording({ sink: { name: 'away', write: () => Promise.reject(cause) } })
    trail.signals.on('loss', () => {
      throw new Error('x')
    })
    await trail.record('login')
    expect(trail.counts.lost).toBe(1)
    expect(faults.map(({ code }) => code).sort()).toEqual(['ROW_LOST', 'SUBSCRIBER_FAILED'])
  })
})

describe('trail.report', () => {
  it('tells the subscribers of faults, and then gives no warning', async () => {
    const { trail, faults } = recording()
    const warnings = await warningsDuring(() => trail.report('STEP_FAILED', 'The mail was not sent.', cause))
    expect(warnings).toEqual([])
    expect(faults).toMatchObject([
      { name: 'AuditError', code: 'STEP_FAILED', message: 'The mail was not sent.', cause },
    ])
  })

  it('has a cause where there is one, and none where there is none', () => {
    const { trail, faults } = recording()
    trail.report('STEP_FAILED', 'The mail was not sent.')
    trail.report('STEP_FAILED', 'The mail was not sent.', null)
    expect(faults.map((fault) => ('cause' in fault ? [fault.cause] : []))).toEqual([[], [null]])
  })

  it('bears the name of the signal, as every signal does', () => {
    const { trail } = recording()
    const heard: unknown[] = []
    trail.signals.on('fault', (fault) => heard.push(fault))
    trail.report('STEP_FAILED', 'The mail was not sent.')
    expect(heard).toMatchObject([{ name: 'fault', error: { code: 'STEP_FAILED' } }])
  })

  it('warns when nobody listens, and when nobody listens any more', async () => {
    const trail = createAuditTrail({ sink: memorySink() })
    trail.signals.on('fault', () => undefined)()
    const warnings = await warningsDuring(() => trail.report('STEP_FAILED', 'The mail was not sent.'))
    expect(warnings).toEqual([{ code: 'STEP_FAILED', message: 'The mail was not sent.' }])
  })

  it('prints what a driver quotes of its input without what would write to the terminal', async () => {
    const quoting = new Error('duplicate key (email)=(\u001b[2J\nroot logged in)')
    const trail = createAuditTrail({ sink: memorySink() })
    const [warning] = await warningsDuring(() => trail.report('STEP_FAILED', 'It failed.', quoting))
    expect(warning?.message).toBe('It failed. (duplicate key (email)=(\ufffd[2J\ufffdroot logged in))')
    const secret = new Error('connect postgres://ada:hunter2@db/app failed')
    expect(JSON.stringify(await warningsDuring(() => trail.report('STEP_FAILED', 'x', secret)))).not.toContain(
      'hunter2',
    )
  })

  it('survives a cause that can not be read', async () => {
    const cause = new Error('x')
    Object.defineProperty(cause, 'message', {
      get() {
        throw new Error('no')
      },
    })
    const trail = createAuditTrail({ sink: memorySink() })
    expect(await warningsDuring(() => trail.report('STEP_FAILED', 'It failed.', cause))).toHaveLength(1)
  })
})

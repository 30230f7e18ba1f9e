import { AsyncLocalStorage } from 'node:async_hooks'
import { type AuditRow, createAuditTrail, currentContext, memorySink, runInContext } from '@countersign/core'
import { describe, expect, it } from 'vitest'
import { codeOf, nextTurn, onlyRow, recording, sleep } from '../support/recording.js'

describe('the path of a row', () => {
  it('is: completed, transformed, put to the veto, redacted, delivered, announced', async () => {
    const steps: string[] = []
    const sink = memorySink()
    const trail = createAuditTrail({
      device: () => {
        steps.push('device')
        return null
      },
      transform: (row) => {
        steps.push('transform')
        return row
      },
      veto: () => {
        steps.push('veto')
        return false
      },
      sink: {
        name: 'noting',
        write(rows) {
          steps.push('write')
          return sink.write(rows)
        },
      },
    })
    trail.signals.on('login', () => steps.push('signal'))
    await runInContext({ userAgent: 'curl' }, () => trail.record('login'))
    expect(steps).toEqual(['device', 'transform', 'veto', 'write', 'signal'])
  })

  it('counts what was recorded and what was vetoed', async () => {
    const { trail } = recording({ veto: ({ event }) => event === 'token_refresh' })
    for (const event of ['login', 'token_refresh', 'token_refresh'] as const) await trail.record(event)
    expect(trail.counts).toEqual({ recorded: 1, vetoed: 2, lost: 0 })
  })

  it('is counted in figures that nobody else can change', async () => {
    const { trail } = recording()
    await trail.record('login')
    Object.assign(trail.counts, { recorded: 7 })
    expect(trail.counts).toEqual({ recorded: 1, vetoed: 0, lost: 0 })
  })

  it('ends outside of the request: the sink is in nobody’s context', async () => {
    const seen: unknown[] = []
    const transaction = new AsyncLocalStorage<string>()
    const trail = createAuditTrail({
      sink: {
        name: 'looking',
        write: async () => {
          seen.push(currentContext(), transaction.getStore())
          await nextTurn()
          seen.push(currentContext(), transaction.getStore())
        },
      },
    })
    await transaction.run('open', () => runInContext({ requestId: 'r-1' }, () => trail.record('login')))
    expect(seen).toEqual([{}, undefined, {}, undefined])
  })
})

describe('the transform', () => {
  it('sees the whole row, and what it changes is stored and announced', async () => {
    const recorded = recording({
      transform: (row) => ({ ...row, tenant: `${row.event}-tenant`, details: { plan: 'pro' } }),
    })
    const announced: AuditRow[] = []
    recorded.trail.signals.on('login', ({ row }) => announced.push(row))
    await recorded.trail.record('login')
    expect(onlyRow(recorded)).toMatchObject({ tenant: 'login-tenant', details: { plan: 'pro' } })
    expect(announced).toEqual(recorded.rows)
  })

  it('can put no secret, no control character and no novel into the row', async () => {
    const recorded = recording({
      transform: (row) => ({
        ...row,
        tenant: 'a\nb',
        reason: 'x'.repeat(999),
        actor: { type: 'user', id: 'u\u0000', label: 'y'.repeat(999) },
        details: { password: 'hunter2', note: 'z'.repeat(9999) },
      }),
    })
    await recorded.trail.record('login')
    const row = onlyRow(recorded)
    expect(row).toMatchObject({ tenant: 'a\ufffdb', actor: { id: 'u\ufffd' }, details: { password: '[redacted]' } })
    expect(JSON.stringify(row).length).toBeLessThan(3000)
  })

  it('cannot say that it was another attempt', async () => {
    const recorded = recording({
      transform: (row) => ({ ...row, id: 'other', event: 'logout', occurredAt: new Date(0) }),
    })
    await recorded.trail.record('login')
    const { id, event, occurredAt } = onlyRow(recorded)
    expect(id).not.toBe('other')
    expect(event).toBe('login')
    expect(occurredAt.getTime()).toBeGreaterThan(0)
  })

  it('cannot say so by changing the row in place either', async () => {
    const recorded = recording({
      transform: (row) => Object.assign(row, { id: 'other', event: 'logout', occurredAt: new Date(0) }),
    })
    await recorded.trail.record('login')
    expect(onlyRow(recorded).event).toBe('login')
    expect(onlyRow(recorded).id).not.toBe('other')
  })

  it('that throws costs the details and nothing else', async () => {
    const cause = new Error('x')
    const recorded = recording({
      transform: () => {
        throw cause
      },
    })
    await recorded.trail.record('login', { reason: 'why', details: { method: 'password' } })
    expect(onlyRow(recorded)).toMatchObject({ event: 'login', reason: 'why', details: {} })
    expect(recorded.faults).toMatchObject([{ code: 'STEP_FAILED', cause, message: expect.stringMatching(/transform/) }])
  })

  it.each([undefined, null, {}])('that returns %s changes nothing', async (nothing) => {
    const recorded = recording({ transform: () => nothing as unknown as AuditRow })
    await recorded.trail.record('login', { reason: 'why' })
    expect(onlyRow(recorded)).toMatchObject({ event: 'login', reason: 'why' })
  })
})

describe('the veto', () => {
  it('leaves no row and no signal', async () => {
    const { trail, rows } = recording({ veto: () => true })
    let heard = 0
    trail.signals.on('*', () => ++heard)
    await trail.record('login')
    expect(rows).toEqual([])
    expect(heard).toBe(0)
  })

  it('sees the row as the transform left it', async () => {
    const { rows, trail } = recording({
      transform: (row) => ({ ...row, tenant: 'internal' }),
      veto: ({ tenant }) => tenant === 'internal',
    })
    await trail.record('login')
    expect(rows).toEqual([])
  })

  it('that throws, or answers anything but true, leaves the row in', async () => {
    const throwing = recording({
      veto: () => {
        throw new Error('x')
      },
    })
    await throwing.trail.record('login')
    expect(throwing.rows).toHaveLength(1)
    expect(throwing.faults).toMatchObject([{ code: 'STEP_FAILED', message: expect.stringMatching(/veto/) }])
    const vague = recording({ veto: () => 'yes' as never })
    await vague.trail.record('login')
    expect(vague.rows).toHaveLength(1)
  })
})

describe('a sink that would wait for its caller', () => {
  it('is not waited for, and the row is stored and announced when it can be', async () => {
    let inTransaction = true
    let end: () => void = () => undefined
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    const stored: AuditRow[] = []
    const trail = createAuditTrail({
      sink: {
        name: 'one connection',
        waitsForCaller: () => inTransaction,
        write: async (rows) => {
          await ended
          stored.push(...rows)
        },
      },
    })
    trail.signals.on('login', ({ row }) => expect(stored).toContain(row))
    await trail.record('login')
    expect(stored).toEqual([])
    inTransaction = false
    end()
    await trail.settled()
    expect(stored).toHaveLength(1)
    expect(trail.counts.recorded).toBe(1)
  })
})

describe('a sink', () => {
  it.each([
    ['no options', undefined],
    ['no sink', {}],
    ['null', { sink: null }],
    ['a sink without write', { sink: { name: 'x' } }],
    ['a function that makes one', { sink: memorySink }],
  ])('is refused when the trail is made with %s', (_, options) => {
    expect(codeOf(() => createAuditTrail(options as never))).toBe('SINK_INVALID')
  })

  it('whose waitsForCaller throws is waited for, and harms nobody', async () => {
    const cause = new Error('no connection')
    const written: AuditRow[] = []
    const { trail, faults } = recording({
      sink: {
        name: 'throwing',
        write: async (rows) => {
          await nextTurn()
          written.push(...rows)
        },
        waitsForCaller: () => {
          throw cause
        },
      },
    })
    await trail.record('login')
    expect(written).toHaveLength(1)
    expect(faults).toMatchObject([{ code: 'STEP_FAILED', message: expect.stringMatching(/waitsForCaller/), cause }])
  })
})

describe('settled and close', () => {
  it('settled waits for what is being delivered', async () => {
    const sink = memorySink()
    const slow = { name: 'slow', write: (rows: readonly AuditRow[]) => sleep(5).then(() => sink.write(rows)) }
    const trail = createAuditTrail({ sink: slow })
    void trail.record('login')
    void trail.record('logout')
    await nextTurn()
    await Promise.all([trail.settled(), trail.settled()])
    expect(sink.rows).toHaveLength(2)
    await trail.settled()
    await trail.record('signup')
    expect(trail.counts).toEqual({ recorded: 3, vetoed: 0, lost: 0 })
  })

  it('close waits, then closes the sink', async () => {
    const steps: string[] = []
    const trail = createAuditTrail({
      sink: {
        name: 'closing',
        write: async () => {
          await sleep(5)
          steps.push('written')
        },
        close: async () => {
          steps.push('closed')
        },
      },
    })
    void trail.record('login')
    await nextTurn()
    await trail.close()
    expect(steps).toEqual(['written', 'closed'])
  })
})

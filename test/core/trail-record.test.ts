import { type Actor, actAs, createAuditTrail, isRowId, memorySink, runInContext } from '@countersign/core'
import { AuditEvent } from '@countersign/mixins'
import { describe, expect, it } from 'vitest'
import { onlyRow, type Recording, recording } from '../support/recording.js'

describe('trail.record', () => {
  it('leaves a row of all that it was told', async () => {
    const recorded = recording()
    await recorded.trail.record('audit_prune', {
      outcome: 'failure',
      reason: 'disk_full',
      actor: { type: 'service', id: 'retention' },
      onBehalfOf: { id: 7 },
      subject: { type: 'partition', id: '2026_01' },
      attempted: 'ada@example.org',
      details: { rows: 12 },
    })
    const row = onlyRow(recorded)
    expect(row).toMatchObject({
      event: 'audit_prune',
      outcome: 'failure',
      reason: 'disk_full',
      severity: 'medium',
      actor: { type: 'service', id: 'retention' },
      onBehalfOf: { type: 'user', id: '7' },
      subject: { type: 'partition', id: '2026_01' },
      attempted: { masked: 'a***@e***.org' },
      className: null,
      methodName: null,
      details: { rows: 12 },
    })
    expect(isRowId(row.id)).toBe(true)
  })

  it('is an anonymous success when it is told nothing', async () => {
    const recorded = recording()
    await recorded.trail.record('session_expire')
    expect(onlyRow(recorded)).toMatchObject({
      outcome: 'success',
      reason: null,
      actor: { type: 'anonymous' },
      details: {},
    })
  })

  it('takes the context of the code that runs', async () => {
    const recorded = recording()
    await runInContext({ requestId: 'job-1', tenant: 'acme' }, () => recorded.trail.record('data_export_ready'))
    expect(onlyRow(recorded)).toMatchObject({ requestId: 'job-1', tenant: 'acme' })
  })

  it('copies the details: what is changed afterwards is not in the row', async () => {
    const recorded = recording()
    const details = { rows: 1 }
    const recordedRow = recorded.trail.record('audit_prune', { details })
    details.rows = 2
    await recordedRow
    expect(onlyRow(recorded).details).toEqual({ rows: 1 })
  })

  it('takes an event of your own, with the default severity', async () => {
    const recorded = recording()
    await recorded.trail.record('invoice_payment' as never, { outcome: 'failure' })
    expect(onlyRow(recorded)).toMatchObject({ event: 'invoice_payment', eventVersion: 1, severity: 'low' })
  })

  it('takes the version and severity that were declared', async () => {
    const recorded = recording({ events: { invoice_payment: { version: 2, severity: 'high' } } })
    await recorded.trail.record('invoice_payment' as never)
    expect(onlyRow(recorded)).toMatchObject({ eventVersion: 2, severity: 'high' })
  })

  it('refuses a name that is none', async () => {
    await expect(recording().trail.record('login.failure' as never)).rejects.toMatchObject({
      code: 'EVENT_NAME_INVALID',
    })
  })

  it('gives 1,000 rows recorded at once ids of their own', async () => {
    const recorded = recording()
    await Promise.all(Array.from({ length: 1000 }, () => recorded.trail.record('login')))
    expect(new Set(recorded.rows.map(({ id }) => id)).size).toBe(1000)
    expect(recorded.trail.counts.recorded).toBe(1000)
  })
})

describe('trail.record, held wrong', () => {
  it('refuses an outcome that is none', async () => {
    const recorded = recording()
    const wrong = recorded.trail.record('login', { outcome: 'weird' as never })
    await expect(wrong).rejects.toMatchObject({ code: 'SETTING_INVALID' })
    expect(recorded.rows).toEqual([])
  })

  it('takes a secret out of a reason', async () => {
    const recorded = recording()
    await recorded.trail.record('login', { reason: 'bearer abcdefghijkl' as never })
    expect(onlyRow(recorded).reason).toBe('[redacted]')
  })
})

describe('what is recorded inside of a call', () => {
  class AccountController {
    static readonly className: string = 'AccountController'
    static readonly actor = (): Actor | null => null

    @AuditEvent('email_verification')
    async verify(inside: () => unknown): Promise<unknown> {
      return inside()
    }
  }
  function controllerOf({ trail }: Recording, actor: Actor | null): AccountController {
    class Controller extends AccountController {
      static override readonly className: string = 'Controller'
      static override readonly actor = (): Actor | null => actor
      static readonly trail = trail
    }
    return new Controller()
  }

  it('is done by whom the call is done by, unless it says another', async () => {
    const recorded = recording()
    await controllerOf(recorded, { type: 'user', id: 'u-1' }).verify(async () => {
      await recorded.trail.record('signup')
      await recorded.trail.record('logout', { actor: { type: 'service', id: 'sweeper' } })
    })
    expect(recorded.rows.map(({ event, actor }) => [event, actor.id])).toEqual([
      ['email_verification', 'u-1'],
      ['signup', 'u-1'],
      ['logout', 'sweeper'],
    ])
  })

  it('is done by whom the handler named', async () => {
    const recorded = recording()
    await controllerOf(recorded, null).verify(async () => {
      actAs({ id: 'u-2' })
      await recorded.trail.record('signup')
    })
    expect(recorded.rows.map(({ actor }) => actor.id)).toEqual(['u-2', 'u-2'])
  })

  it('keeps who acted in a timer that outlives the call', async () => {
    const recorded = recording()
    const later = Promise.withResolvers<void>()
    await controllerOf(recorded, null).verify(async () => {
      actAs({ id: 'u-3' })
      setTimeout(() => void recorded.trail.record('signup').then(later.resolve), 5)
    })
    expect(recorded.rows.map(({ event }) => event)).toEqual(['email_verification'])
    await later.promise
    expect(recorded.rows[1]).toMatchObject({ event: 'signup', actor: { id: 'u-3' } })
  })

  it('of a controller that says anonymous on purpose is anonymous', async () => {
    const recorded = recording()
    await controllerOf(recorded, { type: 'user', id: 'u-1' }).verify(() =>
      controllerOf(recorded, null).verify(async () => 1),
    )
    expect(recorded.rows.map(({ actor }) => actor.type)).toEqual(['user', 'anonymous'])
  })
})

describe('what a trail knows', () => {
  it('is the catalogue and the events it was given', () => {
    const trail = createAuditTrail({ sink: memorySink(), events: { invoice_payment: {} } })
    expect([trail.knows('login'), trail.knows('invoice_payment'), trail.knows('logni')]).toEqual([true, true, false])
    expect(trail.knows('constructor')).toBe(false)
  })

  it('is not what it was asked about, or has recorded', async () => {
    const { trail } = recording()
    trail.definitionOf('invoice_payment')
    await trail.record('stock_check' as never)
    expect(['invoice_payment', 'stock_check'].map((name) => trail.knows(name))).toEqual([false, false])
  })

  it('does not grow with the names that somebody makes up', () => {
    const { trail } = recording()
    const [first, ...rest] = Array.from({ length: 3000 }, (_, index) => `made_up_${index}`) as [string, ...string[]]
    const definition = trail.definitionOf(first)
    for (const name of rest) trail.definitionOf(name)
    expect(trail.definitionOf(first)).toBe(definition)
    expect(trail.definitionOf('made_up_999')).toBe(trail.definitionOf('made_up_999'))
    expect(trail.definitionOf('made_up_1000')).not.toBe(trail.definitionOf('made_up_1000'))
    expect(trail.definitionOf('made_up_2999')).not.toBe(trail.definitionOf('made_up_2999'))
    expect(trail.definitionOf('made_up_2999')).toEqual(trail.definitionOf('made_up_2999'))
  })

  it('is not shared with another trail', () => {
    createAuditTrail({ sink: memorySink(), events: { invoice_payment: {} } })
    expect(createAuditTrail({ sink: memorySink() }).knows('invoice_payment')).toBe(false)
  })
})

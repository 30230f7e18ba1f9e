import { createAuditTrail, isRowId, memorySink, runInContext } from '@countersign/core'
import { describe, expect, it } from 'vitest'
import { onlyRow, recording } from '../support/recording.js'

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
    expect(trail.definitionOf('made_up_2999')).not.toBe(trail.definitionOf('made_up_2999'))
    expect(trail.definitionOf('made_up_2999')).toEqual(trail.definitionOf('made_up_2999'))
  })

  it('is not shared with another trail', () => {
    createAuditTrail({ sink: memorySink(), events: { invoice_payment: {} } })
    expect(createAuditTrail({ sink: memorySink() }).knows('invoice_payment')).toBe(false)
  })
})

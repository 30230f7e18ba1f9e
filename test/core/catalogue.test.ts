import {
  AuditError,
  assertEventName,
  catalogue,
  createAuditTrail,
  type EventDefinition,
  isSnakeCase,
  memorySink,
} from '@countersign/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bare, tableOf } from '../support/document-tables.js'
import { codeOf } from '../support/recording.js'

const outcomes = ['success', 'failure', 'denied'] as const
const severities = ['informational', 'low', 'medium', 'high', 'critical']

describe('the catalogue', () => {
  it('gives every event a severity and an OWASP name for every outcome, and an OCSF class', () => {
    for (const [name, { version, severity, owasp, ocsf }] of Object.entries(catalogue)) {
      expect(isSnakeCase(name)).toBe(true)
      expect(version).toBeGreaterThanOrEqual(1)
      expect([2004, 3001, 3002, 6001, 6003]).toContain(ocsf.classUid)
      expect(Number.isInteger(ocsf.activityId)).toBe(true)
      for (const outcome of outcomes) expect(severities).toContain(severity[outcome])
      for (const term of [...outcomes, 'throttled'] as const) expect(isSnakeCase(owasp[term])).toBe(true)
    }
  })

  it('holds a failed login for graver than a login', () => {
    const { severity } = createAuditTrail({ sink: memorySink() }).definitionOf('login')
    expect(severity).toEqual({ success: 'informational', failure: 'low', denied: 'medium' })
  })
})

describe('the catalogue and docs/events.md', () => {
  const rows = tableOf('docs/events.md')

  it.each(Object.entries(catalogue))('say the same of %s', (event, { severity, owasp, ocsf }) => {
    const [, , , severities, names, numbers = ''] = rows.find(([name]) => bare(name) === event) ?? []
    expect(severities).toBe(shortest([severity.success, severity.failure, severity.denied]).join(', '))
    expect(bare(names)).toBe(owaspNames(owasp).join(' '))
    expect(owasp.denied).toBe('authz_fail')
    expect(numbers.match(/\d+/g)?.map(Number)).toEqual([ocsf.classUid, ocsf.activityId])
  })
})

describe('an event of your own', () => {
  const define = (declaration: object) =>
    createAuditTrail({ sink: memorySink(), events: { invoice_payment: declaration } }).definitionOf('invoice_payment')

  it('has defaults for all that it does not say', () => {
    expect(define({})).toEqual({
      version: 1,
      severity: { success: 'informational', failure: 'low', denied: 'medium' },
      owasp: {
        success: 'x_invoice_payment',
        failure: 'x_invoice_payment_fail',
        denied: 'authz_fail',
        throttled: 'excess_rate_limit_exceeded',
      },
      ocsf: { classUid: 6003, activityId: 99 },
    })
  })

  it('takes one severity for all outcomes, or one for some', () => {
    expect(define({ severity: 'high' }).severity).toEqual({ success: 'high', failure: 'high', denied: 'high' })
    expect(define({ severity: { failure: 'critical' } }).severity).toEqual({
      success: 'informational',
      failure: 'critical',
      denied: 'medium',
    })
  })

  it('keeps its version and its names in other vocabularies', () => {
    const declared = define({ version: 3, owasp: { success: 'x_paid' }, ocsf: { classUid: 6001, activityId: 2 } })
    expect(declared).toMatchObject({
      version: 3,
      owasp: { success: 'x_paid' },
      ocsf: { classUid: 6001, activityId: 2 },
    })
  })

  it('may say more of an event of the catalogue', () => {
    const trail = createAuditTrail({ sink: memorySink(), events: { login: { severity: 'critical' } } })
    expect(trail.definitionOf('login').severity.success).toBe('critical')
    expect(createAuditTrail({ sink: memorySink() }).definitionOf('login').severity.success).toBe('informational')
  })

  it('is refused when its name is no event name', () => {
    expect(codeOf(() => createAuditTrail({ sink: memorySink(), events: { 'Invoice.Payment': {} } }))).toBe(
      'EVENT_NAME_INVALID',
    )
  })
})

describe('assertEventName', () => {
  it('says what a name looks like', () => {
    expect(() => assertEventName('login.failure')).toThrow(/'login\.failure' is not an event name.*snake_case/)
  })

  it('refuses anything that is no name with EVENT_NAME_INVALID, and nothing else', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withNullPrototype: true }), (value) => {
        fc.pre(!isSnakeCase(value))
        expect(() => assertEventName(value)).toThrow(AuditError)
      }),
    )
  })

  it('refuses the names of the signals that are no events', () => {
    expect(['loss', 'fault'].map((name) => codeOf(() => assertEventName(name)))).toEqual([
      'EVENT_NAME_INVALID',
      'EVENT_NAME_INVALID',
    ])
  })
})

const usualThrottle = 'excess_rate_limit_exceeded'

function owaspNames({ success, failure, throttled }: EventDefinition['owasp']): readonly string[] {
  const own = throttled === usualThrottle ? [success, failure] : [success, failure, throttled]
  return shortest(own)
}

function shortest(names: readonly string[]): readonly string[] {
  return new Set(names).size === 1 ? names.slice(0, 1) : names
}

import { type AuditRow, catalogue, cleanText, rowFromJson, rowToJson, rowToLine } from '@countersign/core'
import { sampleRow } from '@countersign/core/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { onlyRow, recording } from '../support/recording.js'

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.constant('"\r\n\u2028\u0085\u001b[2J\ud800'),
)
const orNull = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | null> => fc.option(value)
const count = fc.nat()
const moment = fc.date({ noInvalidDate: true })
const address = fc.oneof(fc.ipV4(), fc.ipV6())
const actor = fc.record(
  { type: fc.constantFrom('user' as const, 'service' as const, 'anonymous' as const), id: text, label: text },
  { requiredKeys: ['type'] },
)
// What JSON knows: there is one zero.
const details = fc.dictionary(text, fc.jsonValue()).map((value) => JSON.parse(JSON.stringify(value)) as object)

const changes: fc.Arbitrary<Partial<AuditRow>> = fc.record(
  {
    occurredAt: moment,
    event: fc.constantFrom(...(Object.keys(catalogue) as Array<AuditRow['event']>)),
    eventVersion: count,
    outcome: fc.constantFrom('success' as const, 'failure' as const, 'denied' as const),
    reason: orNull(text),
    severity: fc.constantFrom('informational' as const, 'low' as const, 'medium' as const, 'critical' as const),
    actor,
    onBehalfOf: orNull(actor),
    subject: orNull(fc.record({ type: text, id: text })),
    attempted: orNull(fc.record({ hash: text, masked: text })),
    className: orNull(text),
    methodName: orNull(text),
    tenant: orNull(text),
    sessionId: orNull(text),
    requestId: orNull(text),
    address: orNull(address),
    proxies: orNull(fc.array(fc.record({ address, trusted: fc.boolean() }))),
    userAgent: orNull(text),
    device: orNull(fc.record({ browser: text, os: text, type: text }, { requiredKeys: [] })),
    httpMethod: orNull(text),
    route: orNull(text),
    status: orNull(count),
    durationMs: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
    scope: orNull(text),
    limit: orNull(count),
    retryAfter: orNull(count),
    details: details as fc.Arbitrary<AuditRow['details']>,
    repeatCount: orNull(count),
    firstAt: orNull(moment),
    lastAt: orNull(moment),
    erasedAt: orNull(moment),
  },
  { requiredKeys: [] },
)

const anyRow = changes.map((changed) => sampleRow(changed))

describe('the JSON form of a row', () => {
  it('gives every field back as it was, whatever is in it', () => {
    fc.assert(
      fc.property(anyRow, (row) => {
        // Generated records have no prototype; what is compared are their fields.
        expect(rowFromJson(JSON.parse(rowToLine(row)))).toStrictEqual(structuredClone(row))
      }),
    )
  })

  it('is one line of printable text, whatever is in it', () => {
    fc.assert(
      fc.property(anyRow, (row) => {
        const line = rowToLine(row)
        expect(cleanText(line, line.length)).toBe(line)
      }),
    )
  })

  it('says in a line the same as in an object', () => {
    fc.assert(
      fc.property(anyRow, (row) => {
        expect(JSON.parse(rowToLine(row))).toStrictEqual(JSON.parse(JSON.stringify(rowToJson(row))))
      }),
    )
  })

  it('is made of every row that a trail makes, and has a name in snake_case for each field', async () => {
    const recorded = recording()
    await recorded.trail.record('login', { attempted: 'a@example.org' })
    const json = rowToJson(onlyRow(recorded))
    expect(rowFromJson(JSON.parse(JSON.stringify(json)))).toEqual(onlyRow(recorded))
    const snake = Object.keys(onlyRow(recorded)).map((name) => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`))
    expect(Object.keys(json)).toEqual(snake)
  })

  it('is refused a row whose details are no JSON', () => {
    const circular: Record<string, unknown> = {}
    circular.self = circular
    expect(() => rowToLine(sampleRow({ details: circular as never }))).toThrow(
      expect.objectContaining({ code: 'ROW_INVALID', cause: expect.any(TypeError) }),
    )
  })
})

describe('rowFromJson', () => {
  const json = (): Record<string, unknown> => JSON.parse(rowToLine(sampleRow()))

  it.each([null, undefined, 'x', 1, [], {}, [json()]])('refuses %j, which is no row', (value) => {
    expect(() => rowFromJson(value)).toThrow(expect.objectContaining({ code: 'ROW_INVALID' }))
  })

  it.each(Object.keys(json()))('refuses a row without %s, and names it', (name) => {
    const { [name]: _, ...rest } = json()
    expect(() => rowFromJson(rest)).toThrow(`'${name}'`)
  })

  it('does not take a field from the prototype', () => {
    const { tenant, ...rest } = json()
    expect(() => rowFromJson(Object.assign(Object.create({ tenant }), rest))).toThrow("'tenant'")
  })

  it('refuses a field that no row has, and shows its name without what could forge a line', () => {
    expect(() => rowFromJson({ ...json(), 'x\ny': 1 })).toThrow('x\ufffdy')
    expect(() => rowFromJson(JSON.parse(rowToLine(sampleRow()).replace('{', '{"__proto__":{},')))).toThrow('__proto__')
  })

  it.each([
    ['id', 'x'],
    ['id', '00000000-0000-4000-8000-000000000000'],
    ['occurred_at', '2026-01-01'],
    ['occurred_at', '2026-13-01T00:00:00.000Z'],
    ['occurred_at', 0],
    ['occurred_at', null],
    ['first_at', 'yesterday'],
    ['event', 'login.failure'],
    ['event_version', 1.5],
    ['outcome', 'maybe'],
    ['severity', 'none'],
    ['severity', null],
    ['reason', 1],
    ['actor', null],
    ['actor', { type: 'god' }],
    ['actor', { id: 'u-1' }],
    ['actor', { type: 'user', id: 1 }],
    ['actor', { type: 'user', role: 'admin' }],
    ['actor', ['user']],
    ['on_behalf_of', 'u-1'],
    ['subject', { type: 'user' }],
    ['attempted', { hash: 'x', masked: null }],
    ['address', 'localhost'],
    ['proxies', {}],
    ['proxies', [{ address: '10.0.0.1' }]],
    ['proxies', [{ address: 'x', trusted: true }]],
    ['proxies', [{ address: '10.0.0.1', trusted: 'yes' }]],
    ['address', 7],
    ['duration_ms', Number.NaN],
    ['duration_ms', Number.POSITIVE_INFINITY],
    ['occurred_at', ['2026-01-01T00:00:00.000Z']],
    ['device', { browser: 1 }],
    ['status', '401'],
    ['status', -1],
    ['duration_ms', null],
    ['duration_ms', '1'],
    ['limit', 1e300],
    ['details', null],
    ['details', []],
    ['repeat_count', Number.NaN],
  ])('refuses %s as %j', (name, value) => {
    expect(() => rowFromJson({ ...json(), [name]: value })).toThrow(
      expect.objectContaining({ code: 'ROW_INVALID', message: expect.stringContaining(`'${name}'`) }),
    )
  })
})

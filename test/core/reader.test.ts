import { checkQuery, isRowId, rowId } from '@countersign/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codeOf } from '../support/recording.js'

describe('checkQuery', () => {
  it('answers with the page size, 50 unless told', () => {
    expect(checkQuery({})).toBe(50)
    expect(checkQuery({ limit: 1 })).toBe(1)
    expect(checkQuery({ limit: 500 })).toBe(500)
  })

  it.each([0, -1, 501, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '50', null])('refuses the limit %j', (limit) => {
    expect(codeOf(() => checkQuery({ limit: limit as number }))).toBe('QUERY_INVALID')
  })

  it.each([
    ['an unknown outcome', { outcome: 'maybe' }],
    ['a name that is no event', { event: "login' or '1'='1" }],
    ['a date that is none', { from: new Date(Number.NaN) }],
    ['a date as text', { to: '2026-01-01' }],
    ['a date before 1970', { from: new Date(-1) }],
    ['a date after 9999', { to: new Date(253_402_300_800_000) }],
  ])('refuses %s', (_, query) => {
    expect(codeOf(() => checkQuery(query as object))).toBe('QUERY_INVALID')
  })

  it('takes the first and the last storable moment', () => {
    expect(checkQuery({ from: new Date(0), to: new Date(253_402_300_799_999) })).toBe(50)
  })

  it('refuses a cursor that is none', () => {
    for (const cursor of [
      '',
      'x',
      "'; drop table audit_event; --",
      rowId().toUpperCase(),
      `${rowId()} `,
      ` ${rowId()}`,
    ]) {
      expect(codeOf(() => checkQuery({ cursor }))).toBe('CURSOR_INVALID')
    }
    expect(checkQuery({ cursor: rowId() })).toBe(50)
  })
})

describe('isRowId', () => {
  it('knows a UUIDv7 from any other UUID', () => {
    fc.assert(fc.property(fc.uuid({ version: 7 }), isRowId))
    fc.assert(fc.property(fc.uuid({ version: 4 }), (id) => !isRowId(id)))
  })

  it('knows it from what only prints as one', () => {
    expect(isRowId([rowId()])).toBe(false)
    expect(isRowId(`x${rowId()}`)).toBe(false)
    expect(isRowId(`${rowId()}x`)).toBe(false)
    expect(isRowId(rowId())).toBe(true)
  })

  it('answers for anything without throwing', () => {
    fc.assert(fc.property(fc.anything(), (value) => typeof isRowId(value) === 'boolean'))
  })
})

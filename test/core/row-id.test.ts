import { isRowId, rowId, timeOfRowId } from '@countersign/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

// The order of these tests matters: the last ones let the clock of this file's ids run ahead.
describe('rowId', () => {
  it('is a UUIDv7 of this moment', () => {
    const before = Date.now()
    const id = rowId()
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(id.slice(20), 'the first one has its random bits, too').not.toBe('000-000000000000')
    expect(timeOfRowId(id)).toBeGreaterThanOrEqual(before)
    expect(timeOfRowId(id)).toBeLessThanOrEqual(Date.now() + 1)
  })

  it('is unique and ascending in 100,000', () => {
    const ids = Array.from({ length: 100_000 }, () => rowId())
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.every((id, index) => index === 0 || (ids[index - 1] as string) < id)).toBe(true)
    expect(ids.every(isRowId)).toBe(true)
  })

  it('has random bits that do not repeat from one millisecond to the next', () => {
    const tails = Array.from({ length: 10_000 }, () => rowId().slice(19))
    expect(new Set(tails).size).toBe(tails.length)
  })

  it('stays ascending and of the first moment while the clock stands still', () => {
    const now = Date.now() + 1_000
    const ids = Array.from({ length: 4096 }, () => rowId(now))
    expect(ids.toSorted()).toEqual(ids)
    expect(new Set(ids.map(timeOfRowId))).toEqual(new Set([now]))
    expect(timeOfRowId(rowId(now)), 'the sequence is full: borrowed from the next millisecond').toBe(now + 1)
  })

  it('stays ascending when the clock goes back', () => {
    const now = Date.now() + 10_000
    const ids = [rowId(now), rowId(now - 3_600_000), rowId(0), rowId(now + 1)]
    expect(ids.toSorted()).toEqual(ids)
  })

  it('stays ascending and valid however the clock jumps', () => {
    let last = rowId()
    const moment = fc.integer({ min: 0, max: 253_402_300_799_999 })
    fc.assert(
      fc.property(fc.array(moment, { minLength: 1, maxLength: 50 }), (moments) => {
        for (const now of moments) {
          const id = rowId(now)
          expect(isRowId(id)).toBe(true)
          expect(id > last).toBe(true)
          last = id
        }
      }),
      { numRuns: 30 },
    )
  })
})

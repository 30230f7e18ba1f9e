import { type AuditRow, memorySink, type Outcome } from '@countersign/core'
import { sampleRow } from '@countersign/core/testing'
import { describe, expect, it } from 'vitest'

describe('memorySink', () => {
  it('keeps rows in the order in which they were written, and finds them newest first', async () => {
    const sink = memorySink()
    const [a, b] = [sampleRow(), sampleRow()]
    await sink.write([b, a])
    expect(sink.rows).toEqual([b, a])
    expect((await sink.find({})).items).toEqual([b, a])
    expect(await sink.get(a.id)).toEqual(a)
  })

  it('counts a row once however often it is written', async () => {
    const sink = memorySink()
    const row = sampleRow()
    await sink.write([row, row])
    await sink.write([row])
    expect(sink.rows).toHaveLength(1)
  })

  it('drops the oldest beyond its capacity, and never the newest', async () => {
    const sink = memorySink({ capacity: 10 })
    const rows = Array.from({ length: 57 }, () => sampleRow())
    for (const row of rows) {
      await sink.write([row])
      expect(sink.rows.at(-1)).toBe(row)
      expect(sink.rows.length).toBeLessThanOrEqual(10)
    }
    expect(sink.rows).toEqual(rows.slice(-10))
    expect((await sink.find({ limit: 500 })).items).toHaveLength(10)
  })

  it('knows a row again after newer ones filled a generation, and forgets it when it is out', async () => {
    const sink = memorySink({ capacity: 2 })
    const [a, b, ...newer] = Array.from({ length: 9 }, () => sampleRow()) as [AuditRow, AuditRow, ...AuditRow[]]
    await sink.write([a, b, a])
    expect(sink.rows).toEqual([a, b])
    expect(await sink.get(a.id)).toEqual(a)
    await sink.write(newer)
    expect(await sink.get(a.id)).toBeNull()
  })

  it('takes more rows at once than it may keep', async () => {
    const sink = memorySink({ capacity: 10 })
    const rows = Array.from({ length: 35 }, () => sampleRow())
    await sink.write(rows)
    expect(sink.rows).toEqual(rows.slice(-10))
  })

  it('is empty after clear, and takes the same rows again', async () => {
    const sink = memorySink()
    const row = sampleRow()
    await sink.write([row])
    sink.clear()
    expect(sink.rows).toEqual([])
    expect(await sink.get(row.id)).toBeNull()
    await sink.write([row])
    expect(sink.rows).toEqual([row])
  })

  it('shares nothing with another one', async () => {
    const [one, two] = [memorySink(), memorySink()]
    await one.write([sampleRow()])
    expect(two.rows).toEqual([])
  })

  it('gives a page its rows and a cursor, and the last one none', async () => {
    const sink = memorySink()
    expect(await sink.find({ limit: 2 })).toEqual({ items: [], nextCursor: null })
    const [a, b, c] = [sampleRow(), sampleRow(), sampleRow()]
    await sink.write([a, b])
    expect(await sink.find({ limit: 2 })).toEqual({ items: [b, a], nextCursor: null })
    await sink.write([c])
    expect(await sink.find({ limit: 2 })).toEqual({ items: [c, b], nextCursor: b.id })
    expect(await sink.find({ limit: 2, cursor: b.id })).toEqual({ items: [a], nextCursor: null })
  })

  it('passes over rows without what is looked for', async () => {
    const sink = memorySink()
    await sink.write([sampleRow({ subject: null, attempted: null })])
    for (const query of [{ subjectId: 'u-1' }, { concerning: 'u-1' }, { attemptedHash: 'x' }])
      expect((await sink.find(query)).items).toEqual([])
    expect(sink.name).toBe('memory')
  })

  it('refuses a query that is none', async () => {
    await expect(memorySink().find({ limit: 0 })).rejects.toMatchObject({ code: 'QUERY_INVALID' })
    await expect(memorySink().find({ outcome: 'maybe' as Outcome })).rejects.toMatchObject({ code: 'QUERY_INVALID' })
  })
})

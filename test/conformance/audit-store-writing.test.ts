import { type AuditRow, rowId } from '@countersign/core'
import { sampleRow } from '@countersign/core/testing'
import { describe, expect, it } from 'vitest'
import { ownStore, storeDatabases } from '../support/audit-stores.js'

/** Text that means something to one of the forms that a row takes on its way. */
const nasty = [
  '\\',
  '\\N',
  '\\.',
  '\\n\\t\\\\',
  'ends in \\',
  'a\tb\nc\rd\r\ne\vf\bg\fh',
  '\n\\.\n',
  '"quoted", \'quoted\', {braces}, (NULL), null, NULL',
  "'; drop table audit_event; --",
  '$1 %s \\x41 \\101 \\u0041',
  'ünïcödé 🦊 \u2028\u2029 \u007f',
  '',
  ' ',
]

function nastyRow(requestId: string, text: string): AuditRow {
  return sampleRow({
    requestId,
    reason: text,
    actor: { type: 'user', id: text, label: text },
    onBehalfOf: { type: 'user', id: text },
    subject: { type: text, id: text },
    attempted: { hash: text, masked: text },
    className: text,
    userAgent: text,
    device: { browser: text, os: text },
    route: text,
    details: { [text]: text, list: [text, null, 1.5, true], deep: { [text]: [text] } } as never,
  })
}

for (const { name, open, here } of storeDatabases) {
  describe.runIf(here)(`writing to the audit store on ${name}`, () => {
    const store = ownStore(open)
    const execute = (statement: string) => store().database.orm.em.getDriver().getConnection().execute(statement)
    const found = async (requestId: string): Promise<AuditRow[]> =>
      [...(await store().reader.find({ requestId, limit: 500 })).items].reverse()

    it('gives back every text as it was, among new rows as among those that are there already', async () => {
      const [copied, inserted] = [rowId(), rowId()]
      const first = nasty.map((text) => nastyRow(copied, text))
      const second = nasty.map((text) => nastyRow(inserted, text))
      await store().sink.write(first)
      await store().sink.write([first[0] as AuditRow, ...second])
      expect(await found(copied)).toEqual(first)
      expect(await found(inserted)).toEqual(second)
    })

    it('stores the others of a batch with a row that is there already, which stays as it is', async () => {
      const requestId = rowId()
      const rows = Array.from({ length: 40 }, () => sampleRow({ requestId }))
      const there = rows[17] as AuditRow
      await store().sink.write([there])
      await store().sink.write(rows.map((row) => (row === there ? { ...row, outcome: 'success' } : row)))
      expect(await found(requestId)).toEqual(rows)
    })

    it('goes on after a batch that was refused', async () => {
      const requestId = rowId()
      const row = sampleRow({ requestId })
      for (let time = 0; time < 3; time++) await store().sink.write([row])
      const next = sampleRow({ requestId })
      await store().sink.write([next])
      expect(await found(requestId)).toEqual([row, next])
    })

    it.each([
      ['a check', { outcome: 'maybe' as never }],
      ['a type', { status: 40_000 }],
      ['the encoding', { userAgent: 'a\u0000b' }],
      ['a column that must be filled', { durationMs: Number.NaN }],
      ['JSON', { details: { amount: 1n } as never }],
    ])('says that the row is at fault where it breaks %s, and stores its neighbours', async (_, changes) => {
      const requestId = rowId()
      const rows = [sampleRow({ requestId }), sampleRow({ requestId, ...changes }), sampleRow({ requestId })]
      const written = await Promise.allSettled(rows.map((row) => store().sink.write([row])))
      expect(written).toEqual([
        { status: 'fulfilled' },
        { status: 'rejected', reason: expect.objectContaining({ code: 'ROW_REFUSED', cause: expect.any(Error) }) },
        { status: 'fulfilled' },
      ])
      expect((await found(requestId)).map(({ id }) => id)).toEqual([rows[0]?.id, rows[2]?.id])
    })

    it('does not blame a row for a partition that can not be made', async () => {
      const row = sampleRow({ id: rowId(Date.parse('2024-02-03T04:05:06Z')) })
      // An id of this process never goes back: the time is put in by hand.
      const old = { ...row, id: `018d6d21-2d50${row.id.slice(13)}` }
      await execute('alter function audit_ensure_partition(timestamptz) rename to audit_no_partition')
      const refused = expect(store().sink.write([old])).rejects
      await refused.not.toMatchObject({ code: 'ROW_REFUSED' })
      await execute('alter function audit_no_partition(timestamptz) rename to audit_ensure_partition')
      await store().sink.write([old])
      expect((await store().reader.get(old.id))?.id).toBe(old.id)
    })

    it('says how many rows wait, and tells of every write', async () => {
      const told: Array<{ rows: number; seconds: number }> = []
      store().sink.onBatch?.((rows, seconds) => told.push({ rows, seconds }))
      expect(store().sink.waiting).toBe(0)
      const written = Promise.all([store().sink.write([sampleRow(), sampleRow()]), store().sink.write([sampleRow()])])
      expect(store().sink.waiting).toBe(3)
      await written
      expect(store().sink.waiting).toBe(0)
      expect(told).toEqual([{ rows: 3, seconds: expect.any(Number) }])
      expect(told[0]?.seconds).toBeGreaterThan(0)
    })
  })
}

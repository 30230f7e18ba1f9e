import type { AuditRow } from '@countersign/core'
import { verifyLog } from '@countersign/core/evidence'
import { sampleRow } from '@countersign/core/testing'
import { describe, expect, it } from 'vitest'
import { storeDatabases } from '../support/audit-stores.js'
import { bundleOf, ownLog, verifyBundleText } from '../support/logs.js'

// The sequencer reads rows in another form than those who verify: whatever is in them, both have to say the same.
const joined = 'a\u001f=b\u001f-'
const odd: unknown[] = [
  { actor: { type: 'user', id: joined, label: '=' }, userAgent: joined },
  { reason: '-', scope: '', route: '=', userAgent: '"\\/\t\n\u2028é😀' },
  { actor: { type: 'anonymous' }, subject: { type: 'user', id: '' }, attempted: { hash: '', masked: '-' } },
  { details: { b: 1, a: { 2: [], 10: null, z: [{ y: 1.5e300, x: -0.1 }] }, '': '-' } },
  { details: { text: joined }, device: { browser: joined, os: null, type: null } },
  { durationMs: 1e-7 },
  { durationMs: 123456.789e15 },
  { occurredAt: new Date('0001-01-01T00:00:00.001Z') },
]

const byHand = [
  [`duration_ms = 'NaN'`, `"limit" = -2147483648`],
  [`duration_ms = '-Infinity'`, `details = 'null'`],
  [`duration_ms = '-0'`, `on_behalf_of = 'null'`, `proxy_chain = '{"b": 1e400, "a": 0.1e1}'`],
  [`occurred_at = '0044-03-15 00:00:00.000001 BC'`, `first_at = 'infinity'`, `last_at = '10000-01-01'`],
  [`subject_type = null`, `subject_id = 'x'`, `attempted_hash = null`, `attempted_masked = 'x'`, `salt = null`],
]

for (const { name, open, here } of storeDatabases) {
  describe.runIf(here)(`rows that are none of the usual on ${name}`, () => {
    const own = ownLog(open)

    it('get leaves that they fit', async () => {
      const { sink, sequencer, log } = own()
      await sink.write(odd.map((changes) => sampleRow(changes as Partial<AuditRow>)))
      await sequencer.catchUp()
      const report = await verifyLog(await log.open())
      expect(report).toMatchObject({ sound: true, leaves: odd.length, findings: [] })
      expect(await verifyBundleText(await bundleOf(log))).toEqual(report)
    })

    it.each(byHand)('get leaves that they fit, where somebody else has written them: %s', async (...changes) => {
      const { sink, sequencer, log, execute } = own()
      const before = await verifyLog(await log.open())
      const row = sampleRow()
      await sink.write([row])
      await execute('alter table audit_event disable trigger user')
      await execute(`update audit_event set ${changes.join(', ')} where id = '${row.id}'`)
      await execute('alter table audit_event enable trigger user')
      await sequencer.catchUp()
      const report = await verifyLog(await log.open())
      const isSalted = !changes.includes('salt = null')
      expect(report.counts).toEqual(isSalted ? before.counts : { altered: 1 })
      expect(report.leaves).toBe(before.leaves + 1)
    })
  })
}

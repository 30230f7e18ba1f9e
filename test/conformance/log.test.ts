import { logSequencer } from '@countersign/adapters/mikro-orm'
import { createAuditTrail, rowId } from '@countersign/core'
import {
  fromBase64,
  isConsistent,
  leafOf,
  newSigningKey,
  noteSigner,
  noteVerifier,
  parseCheckpoint,
  rootOfInclusion,
  verifyLog,
  writeBundle,
} from '@countersign/core/evidence'
import { sampleRow } from '@countersign/core/testing'
import { describe, expect, it } from 'vitest'
import { storeDatabases } from '../support/audit-stores.js'
import { bundleOf, idAt, origin, ownLog, verifyBundleText } from '../support/logs.js'

const admin = { type: 'user', id: 'admin-1', label: 'Root' } as const
const rows = (count: number, changes = {}) => Array.from({ length: count }, () => sampleRow(changes))

for (const { name, open, here } of storeDatabases) {
  describe.runIf(here)(`the log on ${name}`, () => {
    const own = ownLog(open)
    const verify = async () => verifyLog(await own().log.open(), { keys: [noteVerifier(own().signer.verifier.text)] })

    it('gives every row a leaf and its checkpoint, and is sound, also as a bundle and as a part of one', async () => {
      const { sink, sequencer, log } = own()
      await sink.write(rows(700))
      await sequencer.catchUp()
      await sink.write(rows(30))
      await sequencer.catchUp()
      const report = await verify()
      expect(report).toMatchObject({ sound: true, leaves: 730, findings: [], pinned: true })
      expect(report.checkpoint?.size).toBe(730)
      expect(await verifyBundleText(await bundleOf(log))).toEqual({ ...report, pinned: false })
      for (const range of [{ from: 100, to: 203 }, { from: 699 }, { to: 1 }, { from: 5, to: 5 }]) {
        const part = await verifyBundleText(await bundleOf(log, range))
        expect(part, JSON.stringify(range)).toMatchObject({ sound: true, findings: [] })
      }
    })

    it('proves a row to whoever has its checkpoint, and that the log only grew', async () => {
      const { log, execute } = own()
      const [{ id }] = await execute('select row_id as id from audit_leaf where leaf_index = 514')
      const proof = await log.proof(id)
      const { size, root } = parseCheckpoint(proof?.checkpoint ?? '') ?? { size: 0, root: '' }
      const leaf = leafOf(id, fromBase64(proof?.leaf.content) ?? '')
      const inclusion = (proof?.inclusion ?? []).map((hash) => fromBase64(hash) ?? '')
      expect(rootOfInclusion({ index: 514, size }, leaf, inclusion)).toBe(root)
      expect(proof?.leaf).toMatchObject({ leaf: 514, row: { id } })
      const [{ note }] = await execute('select note from audit_checkpoint order by tree_size limit 1')
      const first = parseCheckpoint(note)
      const shown = await log.consistency(first?.size ?? 0, size)
      expect(isConsistent(first ?? { size: 0, root: '' }, { size, root }, shown)).toBe(true)
      expect(await log.proof(rowId())).toBeNull()
    })

    it('forgets a person and keeps every proof: rows, leaves and roots stay what they were', async () => {
      const { sink, sequencer, operations, reader, log } = own()
      const attempted = { hash: 'aGFzaC1vZi1hZGE', masked: 'a***@e***.org' }
      const about = { onBehalfOf: null, subject: null, attempted: null }
      const [mine, against, inMyName, typed, others] = [
        sampleRow({ ...about, actor: { type: 'user', id: 'u-9', label: 'Ada' } }),
        sampleRow({ ...about, subject: { type: 'user', id: 'u-9' } }),
        sampleRow({ ...about, actor: { type: 'service', id: 'jobs' }, onBehalfOf: { type: 'user', id: 'u-9' } }),
        sampleRow({ ...about, attempted }),
        sampleRow({ ...about, actor: { type: 'service', id: 'u-9', label: 'same id, no user' } }),
      ]
      await sink.write([mine, against, inMyName, typed, others])
      await sequencer.catchUp()
      const before = await verify()
      const erasure = await operations.erase(admin, {
        subject: { type: 'user', id: 'u-9' },
        attempted: [attempted.hash],
      })
      expect(erasure).toMatchObject({ rows: 4, held: 0 })
      expect(erasure.receipt).toContain('"subject":{"id":"u-9","type":"user"}')
      for (const { id } of [mine, against, inMyName, typed]) {
        expect(await reader.get(id)).toMatchObject({ attempted: null, address: null, details: {}, userAgent: null })
        expect((await log.proof(id))?.leaf.personal).toHaveLength(44)
      }
      // The pseudonym is the same in all of the person's rows.
      expect((await reader.get(mine.id))?.actor).toEqual({ type: 'user', id: 'u-9' })
      expect((await reader.get(against.id))?.subject).toEqual({ type: 'user', id: 'u-9' })
      expect(await reader.get(others.id)).toEqual(others)
      const after = await verify()
      expect(after).toMatchObject({ sound: true, lawfullyErased: 4, checkpoint: before.checkpoint })
      expect((await verifyBundleText(await bundleOf(log))).lawfullyErased).toBe(4)
      const again = await operations.erase(admin, { subject: { type: 'user', id: 'u-9' } })
      expect(again.rows).toBe(0)
    })

    it('erases rows that wait for their leaf as well, and they get the leaf that they would have had', async () => {
      const { sink, sequencer, operations } = own()
      await sink.write([sampleRow({ actor: { type: 'user', id: 'u-10', label: 'Bob' } })])
      expect((await operations.erase(admin, { subject: { type: 'user', id: 'u-10' } })).rows).toBe(1)
      await sequencer.catchUp()
      expect(await verify()).toMatchObject({ sound: true, lawfullyErased: 5 })
    })

    it('takes old months away with a receipt, and what remains verifies; a legal hold keeps them', async () => {
      const { sink, sequencer, operations, reader, log, execute } = own()
      const old = ['2024-01-10T10:00:00Z', '2024-01-20T10:00:00Z', '2024-02-10T10:00:00Z', '2024-03-05T10:00:00Z']
      const aged = old.map((moment) => sampleRow({ id: idAt(moment), subject: { type: 'user', id: 'u-11' } }))
      await sink.write(aged)
      const early = await operations.prune(admin, new Date('2024-03-01T00:00:00Z'))
      expect(early.map(({ kept }) => kept)).toEqual(['unsequenced', 'unsequenced'])
      await sequencer.catchUp()
      const hold = await operations.placeHold(admin, {
        label: 'case 7',
        from: new Date('2024-02-03T00:00:00Z'),
        to: new Date('2024-02-04T00:00:00Z'),
      })
      const taken = await operations.prune(admin, new Date('2024-03-01T00:00:00Z'))
      expect(taken).toMatchObject([
        { partition: 'audit_event_2024_01', rows: 2, kept: null },
        { partition: 'audit_event_2024_02', rows: 0, kept: 'held' },
      ])
      expect(await reader.get(aged[0]?.id ?? '')).toBeNull()
      expect(await verify()).toMatchObject({ sound: true, lawfullyRemoved: 2 })
      expect((await operations.erase(admin, { subject: { type: 'user', id: 'u-11' } })).held).toBe(1)
      expect(await reader.get(aged[2]?.id ?? '')).toEqual(aged[2])
      await operations.releaseHold(admin, hold.id)
      await expect(operations.releaseHold(admin, hold.id)).rejects.toMatchObject({ code: 'HOLD_INVALID' })
      const archived = await operations.prune(admin, new Date('2024-03-01T00:00:00Z'), 'archive')
      expect(archived).toMatchObject([{ partition: 'audit_event_2024_02', rows: 1, kept: null }])
      const tables = await execute(
        `select relname from pg_class where relname like 'audit_archive_2024_02%' and relkind = 'r'`,
      )
      expect(tables).toHaveLength(1)
      expect(await verify()).toMatchObject({ sound: true, lawfullyRemoved: 3 })
      expect((await verifyBundleText(await bundleOf(log))).lawfullyRemoved).toBe(3)
    })

    it('takes a month away again when rows of it came late', async () => {
      const { sink, sequencer, operations } = own()
      await sink.write([sampleRow({ id: idAt('2024-01-30T10:00:00Z') })])
      await sequencer.catchUp()
      expect(await verify()).toMatchObject({ sound: true, lawfullyRemoved: 3 })
      await operations.prune(admin, new Date('2024-02-01T00:00:00Z'))
      expect(await verify()).toMatchObject({ sound: true, lawfullyRemoved: 4 })
    })

    it('lets personal values go before the facts do', async () => {
      const { sink, sequencer, operations, reader } = own()
      const [aged, young] = [sampleRow({ id: idAt('2025-05-05T10:00:00Z') }), sampleRow()]
      await sink.write([aged, young])
      await sequencer.catchUp()
      const { rows: erased } = await operations.erase(admin, { before: new Date('2025-06-01T00:00:00Z') })
      expect(erased).toBe(1)
      expect(await reader.get(aged.id)).toMatchObject({
        outcome: aged.outcome,
        address: null,
        erasedAt: expect.any(Date),
      })
      expect(await reader.get(young.id)).toEqual(young)
      expect((await verify()).sound).toBe(true)
    })

    it('is read as far as its receipts have seen it, when it grows and a person is forgotten meanwhile', async () => {
      const { sink, sequencer, operations, log } = own()
      const source = await log.open()
      await sink.write(rows(2, { actor: { type: 'user', id: 'u-12', label: 'Cleo' } }))
      await sequencer.catchUp()
      await operations.erase(admin, { subject: { type: 'user', id: 'u-12' } })
      await sink.write(rows(1))
      await sequencer.catchUp()
      let text = ''
      for await (const piece of writeBundle(source)) text += piece
      const { leaves } = await verify()
      expect(await verifyBundleText(text)).toMatchObject({ findings: [], leaves: leaves - 2 })
    })

    it('takes a moment before all rows for one, and not for one after them: nothing is that old', async () => {
      const { operations, log } = own()
      const [early, late] = [new Date('0026-01-01T00:00:00Z'), new Date('+100000-01-01T00:00:00Z')]
      expect(await operations.prune(admin, early)).toEqual([])
      expect((await operations.erase(admin, { before: early })).rows).toBe(0)
      expect((await operations.months()).length).toBeGreaterThan(0)
      const hold = await operations.placeHold(admin, { label: 'everything', from: early, to: late })
      expect((await operations.months()).every(({ holds }) => holds.length === 1)).toBe(true)
      await operations.releaseHold(admin, hold.id)
      expect(await log.rangeOf(early, late)).toEqual(await log.rangeOf(new Date(0), new Date('9999-12-31')))
      const over = { label: 'nothing', from: new Date('0020-01-01T00:00:00Z'), to: early }
      await expect(operations.placeHold(admin, over)).rejects.toMatchObject({ code: 'HOLD_INVALID' })
    })

    it('records every one of these, and who did it', async () => {
      const { operations, reader } = own()
      await operations.verify(admin)
      const events = ['audit_erasure', 'audit_prune', 'audit_hold', 'audit_hold_release', 'audit_verification']
      for (const event of events) {
        const { items } = await reader.find({ event, outcome: 'success' })
        expect(items.length, event).toBeGreaterThan(0)
        expect(items.map(({ actor }) => actor.id)).toEqual(items.map(() => 'admin-1'))
      }
      const { items } = await reader.find({ event: 'audit_hold_release', outcome: 'failure' })
      expect(items).toHaveLength(1)
    })

    it('changes its key by a receipt that both sign; the old one signs nothing more', async () => {
      const { sink, sequencer, operations, log, database } = own()
      const next = noteSigner(newSigningKey(origin))
      await expect(operations.rotateKey(admin, noteSigner(newSigningKey('elsewhere')))).rejects.toMatchObject({
        code: 'KEY_INVALID',
      })
      await sequencer.catchUp()
      await operations.rotateKey(admin, next)
      await sink.write(rows(3))
      await expect(sequencer.catchUp()).rejects.toMatchObject({ code: 'CHECKPOINT_KEY_WRONG' })
      const other = logSequencer(database.orm, { signer: next })
      await other.catchUp()
      await other.stop()
      const report = await verify()
      expect(report).toMatchObject({ sound: true, pinned: true })
      expect(report.keys).toHaveLength(2)
      const byNew = await verifyLog(await log.open(), { keys: [noteVerifier(next.verifier.text)] })
      expect(byNew).toMatchObject({ sound: true, pinned: true })
      const stranger = noteVerifier(noteSigner(newSigningKey(origin)).verifier.text)
      expect((await verifyLog(await log.open(), { keys: [stranger] })).counts).toEqual({ forged: 1 })
    })

    it('is read while rows, erasures and leaves go on, and never accused', async () => {
      const { sink, log, database, operations } = own()
      const trail = createAuditTrail({ sink })
      const current = logSequencer(database.orm, { signer: noteSigner(newSigningKey(origin)) })
      await current.stop()
      const reports = []
      for (let round = 0; round < 5; round++) {
        const [report] = await Promise.all([
          log.open().then((source) => verifyLog(source)),
          sink.write(rows(50)),
          operations.verify(admin),
        ])
        reports.push(report.findings)
      }
      expect(reports.flat()).toEqual([])
      await trail.settled()
    })
  })
}

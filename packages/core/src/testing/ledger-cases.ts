import assert from 'node:assert/strict'
import type { FloodLedger, FloodTally } from '../flood-ledger.js'
import type { AuditReader } from '../reader.js'
import type { AuditRow } from '../row.js'
import type { ConformanceCase } from './conformance-case.js'
import { sampleRow } from './sample-row.js'

/** A ledger under test, and how the rows of its store are read. */
export interface LedgerUnderTest {
  readonly ledger: FloodLedger
  readonly reader: AuditReader
}

const hour = 3_600_000

/** A flood as a process would put it; without a sample, one that is new. */
function tallyOf(repeatCount: number, sample: AuditRow = denial(), closesAt = new Date(Date.now() - hour)): FloodTally {
  return { row: { ...sample, repeatCount, firstAt: sample.occurredAt, lastAt: sample.occurredAt }, closesAt }
}

function denial(): AuditRow {
  return sampleRow({ outcome: 'denied', reason: 'throttled', scope: 'login', limit: 5, requestId: null, details: {} })
}

/**
 * What every ledger of floods must do.
 *
 * @example
 * for (const { title, run } of ledgerCases(() => ledgerStore)) it(title, run)
 */
export function ledgerCases(subject: () => LedgerUnderTest): ConformanceCase[] {
  return [...countingCases(subject), ...closingCases(subject)]
}

const abandoned = async ({ ledger }: LedgerUnderTest, { id }: AuditRow): Promise<AuditRow[]> =>
  (await ledger.closeAbandoned(new Date())).filter((row) => row.id === id)

function countingCases(subject: () => LedgerUnderTest): ConformanceCase[] {
  return [
    {
      title: 'keeps totals, so that what is put twice counts once, and never fewer than before',
      run: async () => {
        const tally = tallyOf(3)
        for (const count of [3, 8, 8, 5]) await subject().ledger.put([tallyOf(count, tally.row)])
        assert.deepEqual(await abandoned(subject(), tally.row), [{ ...tally.row, repeatCount: 8 }])
        assert.deepEqual(await subject().reader.get(tally.row.id), { ...tally.row, repeatCount: 8 })
      },
    },
    {
      title: 'keeps a summary as it was put last, every field of it, and the last moment',
      run: async () => {
        const { row } = tallyOf(1)
        const later = { ...row, repeatCount: 2, userAgent: null, device: null, lastAt: new Date(Date.now() + 1) }
        await subject().ledger.put([tallyOf(1, row), tallyOf(1)])
        await subject().ledger.put([{ row: later, closesAt: new Date(Date.now() - hour) }])
        assert.deepEqual(await abandoned(subject(), row), [later])
      },
    },
    {
      title: 'makes no row of a flood that was put, until it is closed',
      run: async () => {
        const { row } = tallyOf(4)
        await subject().ledger.put([tallyOf(4, row)])
        assert.equal(await subject().reader.get(row.id), null)
      },
    },
    {
      title: 'closes as abandoned only what closed before that moment',
      run: async () => {
        const tally = tallyOf(2, denial(), new Date(Date.now() + hour))
        await subject().ledger.put([tally])
        assert.deepEqual(await abandoned(subject(), tally.row), [])
        await subject().ledger.close([tally])
      },
    },
  ]
}

function closingCases(subject: () => LedgerUnderTest): ConformanceCase[] {
  const close = (tally: FloodTally): Promise<ReadonlyMap<string, number>> => subject().ledger.close([tally])
  const countOf = async (id: string): Promise<number | null | undefined> =>
    (await subject().reader.get(id))?.repeatCount
  return [
    {
      title: 'closes with the larger of what it has and what it is given, whichever that is, and forgets the flood',
      run: async () => {
        for (const [put, given] of [
          [0, 3],
          [2, 7],
          [9, 4],
        ] as const) {
          const { row } = tallyOf(given)
          if (put > 0) await subject().ledger.put([tallyOf(put, row)])
          const larger = Math.max(put, given)
          assert.deepEqual(await close(tallyOf(given, row)), new Map([[row.id, larger]]))
          assert.deepEqual(await subject().reader.get(row.id), { ...row, repeatCount: larger })
          assert.deepEqual(await abandoned(subject(), row), [])
        }
      },
    },
    {
      title: 'answers what a flood was closed with when somebody else had closed it',
      run: async () => {
        const { row } = tallyOf(3)
        await subject().ledger.put([tallyOf(3, row)])
        await subject().ledger.closeAbandoned(new Date())
        assert.deepEqual(await close(tallyOf(5, row)), new Map([[row.id, 3]]))
        assert.equal(await countOf(row.id), 3)
      },
    },
    {
      title: 'makes one row of a flood that many close at the same time, and tells all of them',
      run: async () => {
        const { row } = tallyOf(6)
        await subject().ledger.put([tallyOf(6, row)])
        const closers = Array.from({ length: 4 }, () => close(tallyOf(6, row)))
        const sweepers = Array.from({ length: 4 }, () => abandoned(subject(), row))
        for (const counts of await Promise.all(closers)) assert.deepEqual(counts, new Map([[row.id, 6]]))
        const swept = (await Promise.all(sweepers)).flat()
        assert.ok(swept.length <= 1)
        assert.equal(await countOf(row.id), 6)
      },
    },
    {
      title: 'leaves a row as it is when its flood is put again by somebody who does not know that it was closed',
      run: async () => {
        const { row } = tallyOf(3)
        await close(tallyOf(3, row))
        await subject().ledger.put([tallyOf(5, row)])
        assert.deepEqual(await abandoned(subject(), row), [])
        assert.deepEqual(await close(tallyOf(6, row)), new Map([[row.id, 3]]))
        assert.equal(await countOf(row.id), 3)
      },
    },
  ]
}

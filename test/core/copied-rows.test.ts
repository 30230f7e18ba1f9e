import {
  type AuditRow,
  type AuditSink,
  fanOutSink,
  filteringSink,
  memorySink,
  type SinkTransaction,
} from '@countersign/core'
import { sampleRow } from '@countersign/core/testing'
import { describe, expect, it } from 'vitest'

/** A store with transactions that the test ends itself. */
function joinable() {
  const stored: AuditRow[] = []
  let ended: Array<(committed: boolean) => void> = []
  const transaction: SinkTransaction = {
    isOpen: () => true,
    run: (run) => run(),
    async write(rows) {
      stored.push(...rows)
    },
    onEnd: (listener) => void ended.push(listener),
    onEscape: () => undefined,
  }
  const sink: AuditSink = {
    name: 'joinable',
    waiting: 3,
    write: async (rows) => void stored.push(...rows),
    transaction,
    ledger: {
      put: async () => undefined,
      close: async (tallies) => new Map(tallies.map(({ row }) => [row.id, 7])),
      closeAbandoned: async () => [sampleRow({ repeatCount: 2 })],
    },
  }
  const end = (committed: boolean): void => {
    for (const listener of ended) listener(committed)
    ended = []
  }
  return { sink, stored, end }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('a fan-out with one sink', () => {
  it('has its transactions, and copies get the rows when they are committed', async () => {
    const { sink, stored, end } = joinable()
    const copy = memorySink()
    const { transaction } = fanOutSink({ sinks: [sink], copies: [copy] })
    await transaction?.write([sampleRow()])
    await settled()
    expect([stored.length, copy.rows.length]).toEqual([1, 0])
    end(true)
    await settled()
    expect(copy.rows).toEqual(stored)
  })

  it('copies nothing of a transaction that was rolled back', async () => {
    const { sink, end } = joinable()
    const copy = memorySink()
    await fanOutSink({ sinks: [sink], copies: [copy] }).transaction?.write([sampleRow()])
    end(false)
    await settled()
    expect(copy.rows).toEqual([])
  })

  it('has its ledger, and copies get the summaries of floods with the counts that were stored', async () => {
    const { sink } = joinable()
    const copy = memorySink()
    const { ledger } = fanOutSink({ sinks: [sink], copies: [copy] })
    await ledger?.close([{ row: sampleRow({ repeatCount: 5 }), closesAt: new Date() }])
    await ledger?.closeAbandoned(new Date())
    await settled()
    expect(copy.rows.map(({ repeatCount }) => repeatCount)).toEqual([7, 2])
  })

  it('tells how many rows wait', () => {
    expect(fanOutSink({ sinks: [joinable().sink] }).waiting).toBe(3)
  })
})

describe('a fan-out with several sinks', () => {
  it('has no transaction that all could share, and no ledger', () => {
    const all = fanOutSink({ sinks: [joinable().sink, memorySink()] })
    expect([all.transaction, all.ledger, all.waiting]).toEqual([undefined, undefined, 3])
  })
})

describe('a filter', () => {
  it('leaves rows out of a transaction, too', async () => {
    const { sink, stored } = joinable()
    const { transaction } = filteringSink(sink, ({ outcome }) => outcome === 'failure')
    const rows = [sampleRow({ outcome: 'success' }), sampleRow({ outcome: 'failure' })]
    expect(transaction?.isOpen()).toBe(true)
    await transaction?.run(() => transaction.write(rows) as Promise<void>)
    expect(stored.map(({ outcome }) => outcome)).toEqual(['failure'])
  })

  it('has no transaction where its sink has none', () => {
    expect(filteringSink(memorySink(), () => true).transaction).toBeUndefined()
  })
})

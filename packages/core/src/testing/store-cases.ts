import assert from 'node:assert/strict'
import type { AuditPage, AuditReader } from '../reader.js'
import type { AuditRow } from '../row.js'
import { rowId } from '../row-id.js'
import type { AuditSink } from '../sink.js'
import type { ConformanceCase } from './conformance-case.js'
import { sampleRow } from './sample-row.js'
import { sinkCases } from './sink-cases.js'

/** A store under test. It may hold other rows; the cases look at their own only. */
export interface StoreUnderTest {
  readonly sink: AuditSink
  readonly reader: AuditReader
}

/**
 * What every sink with a reader must do: what every sink must, and to find its rows again. The last
 * case closes the sink, where it can be closed; the reader goes on.
 *
 * @example
 * for (const { title, run } of storeCases(() => store)) it(title, run)
 */
export function storeCases(store: () => StoreUnderTest): ConformanceCase[] {
  const from = new Date()
  const written = (): Promise<AuditRow[]> => rowsSince(from, store().reader)
  return [...readerCases(store), ...sinkCases(() => ({ sink: store().sink, written }))]
}

async function rowsSince(from: Date, reader: AuditReader): Promise<AuditRow[]> {
  const rows: AuditRow[] = []
  let cursor: string | null = null
  do {
    const page: AuditPage = await reader.find({ from, limit: 500, ...(cursor ? { cursor } : {}) })
    rows.push(...page.items)
    cursor = page.nextCursor
  } while (cursor)
  return rows
}

function readerCases(store: () => StoreUnderTest): ConformanceCase[] {
  const write = (...rows: AuditRow[]): Promise<void> => store().sink.write(rows)
  const find = (query: Parameters<AuditReader['find']>[0]): ReturnType<AuditReader['find']> =>
    store().reader.find(query)
  return [
    {
      title: 'gives back a row by its id',
      run: async () => {
        const row = sampleRow()
        await write(row, sampleRow())
        assert.deepEqual(await store().reader.get(row.id), row)
      },
    },
    {
      title: 'answers an unknown id with null, and no rows with an empty page',
      run: async () => {
        assert.equal(await store().reader.get(rowId()), null)
        assert.deepEqual(await find({ requestId: rowId() }), { items: [], nextCursor: null })
      },
    },
    {
      title: 'filters by each field, and by several at once',
      run: async () => {
        const tag = rowId()
        const a = sampleRow({
          requestId: tag,
          actor: { type: 'user', id: `${tag}-a` },
          outcome: 'success',
          address: '198.51.100.1',
        })
        const b = sampleRow({ requestId: tag, event: 'logout', details: {}, subject: { type: 'user', id: `${tag}-a` } })
        const c = sampleRow({ requestId: tag, attempted: { hash: `${tag}-h`, masked: '***' } })
        await write(a, b, c)
        const ids = async (query: Parameters<AuditReader['find']>[0]): Promise<string[]> =>
          (await find({ requestId: tag, ...query })).items.map(({ id }) => id)
        assert.deepEqual(await ids({}), [c.id, b.id, a.id])
        assert.deepEqual(await ids({ event: 'logout' }), [b.id])
        assert.deepEqual(await ids({ outcome: 'success' }), [a.id])
        assert.deepEqual(await ids({ actorId: `${tag}-a` }), [a.id])
        assert.deepEqual(await ids({ subjectId: `${tag}-a` }), [b.id])
        assert.deepEqual(await ids({ concerning: `${tag}-a` }), [b.id, a.id])
        assert.deepEqual(await ids({ attemptedHash: `${tag}-h` }), [c.id])
        assert.deepEqual(await ids({ address: '198.51.100.1' }), [a.id])
        assert.deepEqual(await ids({ event: 'login', outcome: 'success' }), [a.id])
        assert.deepEqual(await ids({ event: 'logout', outcome: 'success' }), [])
      },
    },
    {
      title: 'takes `from` as inclusive and `to` as exclusive',
      run: async () => {
        const requestId = rowId()
        const rows = [1000, 2000, 3000].map((time) => sampleRow({ requestId, id: rowAt(Date.now() + time) }))
        await write(...rows)
        const [, middle, last] = rows as [AuditRow, AuditRow, AuditRow]
        const found = await find({ requestId, from: middle.occurredAt, to: last.occurredAt })
        assert.deepEqual(
          found.items.map(({ id }) => id),
          [middle.id],
        )
      },
    },
    {
      title: 'pages without gap or repetition while rows arrive',
      run: async () => {
        const requestId = rowId()
        const rows = Array.from({ length: 25 }, () => sampleRow({ requestId }))
        await write(...rows)
        const seen: string[] = []
        let cursor: string | null = null
        do {
          const page = await find({ requestId, limit: 10, ...(cursor ? { cursor } : {}) })
          seen.push(...page.items.map(({ id }) => id))
          cursor = page.nextCursor
          await write(sampleRow({ requestId }))
        } while (cursor)
        assert.deepEqual(seen, rows.map(({ id }) => id).reverse())
      },
    },
    {
      title: 'refuses a query that is none',
      run: async () => {
        await assert.rejects(find({ limit: 0 }), { code: 'QUERY_INVALID' })
        await assert.rejects(find({ limit: 501 }), { code: 'QUERY_INVALID' })
        await assert.rejects(find({ limit: 1.5 }), { code: 'QUERY_INVALID' })
        await assert.rejects(find({ from: new Date(Number.NaN) }), { code: 'QUERY_INVALID' })
        await assert.rejects(find({ event: "login' or '1'='1" }), { code: 'QUERY_INVALID' })
        await assert.rejects(find({ cursor: "'; drop table audit_event; --" }), { code: 'CURSOR_INVALID' })
      },
    },
    {
      title: 'takes filters literally',
      run: async () => {
        for (const text of ["' or 1=1 --", '%', '_', '\\', '$1', '?', 'a\u0000b']) {
          assert.deepEqual((await find({ actorId: text })).items, [])
        }
        assert.deepEqual((await find({ address: 'not an address' })).items, [])
      },
    },
  ]
}

function rowAt(time: number): string {
  const hex = time.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}${rowId().slice(13)}`
}

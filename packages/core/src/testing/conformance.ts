import assert from 'node:assert/strict'
import type { AuditLimiter, LimitedBy } from '../limiter.js'
import type { AuditReader } from '../reader.js'
import type { AuditRow } from '../row.js'
import { rowId } from '../row-id.js'
import type { AuditSink } from '../sink.js'
import { sampleRow } from './sample-row.js'

/** One promise of an interface, to be run by any test runner: `it(title, () => run())`. */
export interface ConformanceCase {
  readonly title: string
  readonly run: () => Promise<void>
}

/** A store under test. It may hold other rows; the cases look at their own only. */
export interface StoreUnderTest {
  readonly sink: AuditSink
  readonly reader: AuditReader
}

/**
 * What every sink with a reader must do.
 *
 * @example
 * for (const { title, run } of storeCases(() => store)) it(title, run)
 */
export function storeCases(store: () => StoreUnderTest): ConformanceCase[] {
  const write = (...rows: AuditRow[]): Promise<void> => store().sink.write(rows)
  const find = (query: Parameters<AuditReader['find']>[0]): ReturnType<AuditReader['find']> =>
    store().reader.find(query)
  return [
    {
      title: 'gives back every field of a row as it was written',
      run: async () => {
        const full = sampleRow({
          repeatCount: 3,
          firstAt: new Date(1_700_000_000_000),
          lastAt: new Date(1_700_000_060_000),
        })
        const throttled = sampleRow({
          scope: 'login',
          limit: 5,
          retryAfter: 17,
          outcome: 'denied',
          reason: 'throttled',
        })
        const sparse = sampleRow({
          actor: { type: 'user', id: 'u-2', label: 'Ada' },
          onBehalfOf: null,
          subject: null,
          attempted: null,
          className: null,
          methodName: null,
          tenant: null,
          sessionId: null,
          requestId: null,
          address: '2001:db8::7',
          proxies: null,
          userAgent: null,
          device: null,
          httpMethod: null,
          route: null,
          status: null,
          reason: null,
          details: {},
        })
        await write(full, throttled, sparse)
        for (const row of [full, throttled, sparse]) assert.deepEqual(await store().reader.get(row.id), row)
      },
    },
    {
      title: 'stores a row once however often it is written',
      run: async () => {
        const row = sampleRow({ requestId: rowId() })
        await write(row)
        await write(row, row)
        assert.equal((await find({ requestId: row.requestId as string })).items.length, 1)
      },
    },
    {
      title: 'stores every row of many concurrent writers',
      run: async () => {
        const requestId = rowId()
        const rows = Array.from({ length: 300 }, () => sampleRow({ requestId }))
        await Promise.all(rows.map((row) => write(row)))
        const first = await find({ requestId, limit: 200 })
        const second = await find({ requestId, limit: 200, cursor: first.nextCursor as string })
        const ids = [...first.items, ...second.items].map(({ id }) => id)
        assert.deepEqual(
          ids,
          rows
            .map(({ id }) => id)
            .sort()
            .reverse(),
        )
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

/**
 * What every limiter must do. It must be configured with
 * `{ conformance: { address: '5/2s', identifier: '3/2s', failures: '3/2s' }, conformance_off: null }`.
 */
export function limiterCases(limiter: () => AuditLimiter): ConformanceCase[] {
  const reserve = (key: string, by: LimitedBy = 'address'): ReturnType<AuditLimiter['reserve']> =>
    limiter().reserve('conformance', by, key)
  const perIdentifier: readonly LimitedBy[] = ['identifier', 'failures']
  return [
    {
      title: 'allows as many attempts as the window has, and says how many are left',
      run: async () => {
        const key = rowId()
        for (const remaining of [4, 3, 2, 1, 0]) {
          const reservation = await reserve(key)
          assert.equal(reservation?.allowed, true)
          assert.equal(reservation?.remaining, remaining)
          assert.equal(reservation?.limit, 5)
          assert.equal(reservation?.window, 2)
        }
        const refused = await reserve(key)
        assert.equal(refused?.allowed, false)
        assert.equal(refused?.remaining, 0)
        assert.ok(
          Number.isInteger(refused?.resetAfter) && (refused?.resetAfter ?? 0) >= 1,
          'whole seconds, at least one',
        )
      },
    },
    {
      title: 'never allows more than the limit to parallel attempts',
      run: async () => {
        const key = rowId()
        const all = await Promise.all(Array.from({ length: 50 }, () => reserve(key)))
        assert.equal(all.filter((reservation) => reservation?.allowed).length, 5)
      },
    },
    {
      title: 'counts addresses, identifiers and failures apart, and each key by itself',
      run: async () => {
        const key = rowId()
        for (const by of perIdentifier) {
          for (let attempt = 0; attempt < 3; attempt++) assert.equal((await reserve(key, by))?.allowed, true)
          assert.equal((await reserve(key, by))?.allowed, false)
          assert.equal((await reserve(rowId(), by))?.allowed, true)
        }
        assert.equal((await reserve(key, 'address'))?.allowed, true)
      },
    },
    {
      title: 'forgets what was counted when told to, in that respect and no other',
      run: async () => {
        const key = rowId()
        for (const by of perIdentifier) for (let attempt = 0; attempt < 4; attempt++) await reserve(key, by)
        await limiter().clear('conformance', 'failures', key)
        assert.equal((await reserve(key, 'failures'))?.remaining, 2)
        assert.equal((await reserve(key, 'identifier'))?.allowed, false)
        await limiter().clear('conformance', 'identifier', key)
        assert.equal((await reserve(key, 'identifier'))?.remaining, 2)
      },
    },
    {
      title: 'opens again when the window has passed',
      run: async () => {
        const key = rowId()
        for (let attempt = 0; attempt < 5; attempt++) await reserve(key)
        const refused = await reserve(key)
        assert.equal(refused?.allowed, false)
        await new Promise((resolve) => setTimeout(resolve, (refused?.resetAfter ?? 2) * 1000 + 50))
        assert.equal((await reserve(key))?.allowed, true)
      },
    },
    {
      title: 'folds an IPv6 address to its /64, and knows an IPv4 address in any spelling',
      run: async () => {
        const network = `2001:db8:${rowId().slice(9, 13)}:${rowId().slice(-4)}`
        for (let host = 1; host <= 5; host++) assert.equal((await reserve(`${network}::${host}`))?.allowed, true)
        assert.equal((await reserve(`${network}:FFFF::6`))?.allowed, false)
        const [a, b] = [Number.parseInt(rowId().slice(-2), 16), Number.parseInt(rowId().slice(-4, -2), 16)]
        const spellings = [`198.18.${a}.${b}`, `::ffff:198.18.${a}.${b}`, `::FFFF:198.18.${a}.${b}`]
        for (let attempt = 0; attempt < 5; attempt++) await reserve(spellings[attempt % 3] as string)
        assert.equal((await reserve(`198.18.${a}.${b}`))?.allowed, false)
      },
    },
    {
      title: 'limits nothing in a scope that is switched off, or in a respect that has no limit',
      run: async () => {
        assert.equal(await limiter().reserve('conformance_off', 'address', 'x'), null)
        assert.ok(limiter().scopes.has('conformance_off'))
      },
    },
    {
      title: 'refuses a scope it was not configured with',
      run: async () => {
        await assert.rejects(limiter().reserve('nowhere', 'address', 'x'), { code: 'SCOPE_UNKNOWN' })
      },
    },
  ]
}

import assert from 'node:assert/strict'
import type { AuditRow } from '../row.js'
import { rowId } from '../row-id.js'
import type { AuditSink } from '../sink.js'
import type { ConformanceCase } from './conformance-case.js'
import { sampleRow } from './sample-row.js'

/** A sink under test. It may hold other rows; the cases look at their own only. */
export interface SinkUnderTest {
  readonly sink: AuditSink
  /** What the sink wrote since the cases began, in any order, as often as it is there. */
  readonly written: () => Promise<readonly AuditRow[]>
}

/**
 * What every sink must do. The last case closes the sink, where it can be closed.
 *
 * @example
 * const memory = memorySink()
 * for (const { title, run } of sinkCases(() => ({ sink: memory, written: async () => memory.rows }))) it(title, run)
 */
export function sinkCases(subject: () => SinkUnderTest): ConformanceCase[] {
  return [...rowCases(subject), ...writingCases(subject)]
}

/** What is there of these rows, in the order of their ids. */
async function foundOf({ written }: SinkUnderTest, rows: readonly AuditRow[]): Promise<AuditRow[]> {
  const ids = new Set(rows.map(({ id }) => id))
  return (await written()).filter(({ id }) => ids.has(id)).sort(byId)
}

function idsOf(rows: readonly AuditRow[]): string[] {
  return rows.map(({ id }) => id)
}

function byId(one: AuditRow, other: AuditRow): number {
  return one.id < other.id ? -1 : 1
}

function rowCases(subject: () => SinkUnderTest): ConformanceCase[] {
  return [
    {
      title: 'writes every field of a row as it was given',
      run: async () => {
        const rows = [fullRow(), throttledRow(), sparseRow()]
        await subject().sink.write(rows)
        assert.deepEqual(await foundOf(subject(), rows), rows)
      },
    },
    {
      title: 'makes one record of a row with hostile text, and changes nothing in it',
      run: async () => {
        const row = hostileRow()
        const after = sampleRow()
        await subject().sink.write([row, after])
        assert.deepEqual(await foundOf(subject(), [row, after]), [row, after])
        const forged = (await subject().written()).filter(({ id }) => id === forgedId)
        assert.deepEqual(forged, [], 'the text of a row became a row')
      },
    },
    {
      title: 'leaves the rows it was given as they are',
      run: async () => {
        const row = deepFrozen(fullRow())
        const before = structuredClone(row)
        await subject().sink.write(Object.freeze([row]))
        assert.deepEqual(row, before)
      },
    },
  ]
}

function writingCases(subject: () => SinkUnderTest): ConformanceCase[] {
  return [
    {
      title: 'counts a row once however often it is written',
      run: async () => {
        const row = sampleRow()
        await subject().sink.write([row])
        await subject().sink.write([row, row])
        assert.deepEqual(idsOf(await foundOf(subject(), [row])), [row.id])
      },
    },
    {
      title: 'writes every row of many concurrent writers, once',
      run: async () => {
        const rows = Array.from({ length: 300 }, () => sampleRow())
        await Promise.all(rows.map((row) => subject().sink.write([row])))
        assert.deepEqual(idsOf(await foundOf(subject(), rows)), idsOf(rows))
      },
    },
    {
      title: 'has nothing to do for no rows',
      run: async () => {
        await subject().sink.write([])
      },
    },
    {
      title: 'has what came before it was closed, refuses what comes later, and can be closed twice',
      run: async () => {
        const { sink } = subject()
        if (!sink.close) return
        const [row, late] = [sampleRow(), sampleRow()]
        const written = sink.write([row])
        await sink.close()
        await written
        await assert.rejects(async () => sink.write([late]), 'a row was taken after close()')
        await sink.close()
        assert.deepEqual(await foundOf(subject(), [row, late]), [row])
      },
    },
  ]
}

function fullRow(): AuditRow {
  return sampleRow({
    repeatCount: 3,
    firstAt: new Date(1_700_000_000_000),
    lastAt: new Date(1_700_000_060_000),
  })
}

function throttledRow(): AuditRow {
  return sampleRow({ scope: 'login', limit: 5, retryAfter: 17, outcome: 'denied', reason: 'throttled' })
}

function sparseRow(): AuditRow {
  return sampleRow({
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
}

const forgedId = rowId()

/** Everything that has a meaning to a line, a log, a query, a template or a terminal. */
function hostileRow(): AuditRow {
  const text = [
    `"}\n{"id":"${forgedId}","event":"login"}\r\n`,
    `\u2028\u2029\u0085\u001b[2J\u009b2J\u202e\t\u007f`,
    `'); drop table audit_event; -- $1 %s %o %j \${7*7} {{7*7}} \\u000a \\ =cmd|' /C calc'!A0`,
  ].join('')
  return sampleRow({
    actor: { type: 'user', id: text, label: text },
    subject: { type: 'user', id: text },
    reason: text,
    tenant: text,
    userAgent: text,
    route: text,
    details: { [text]: text, toJSON: text, constructor: [text, { deep: null }], '': '' } as object,
  })
}

function deepFrozen<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value
  for (const part of Object.values(value)) deepFrozen(part)
  return Object.freeze(value)
}

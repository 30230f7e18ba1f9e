import { type AuditRow, type AuditSink, memorySink } from '@countersign/core'
import { sampleRow, sinkCases } from '@countersign/core/testing'
import { expect, it } from 'vitest'
import { sleep } from '../support/recording.js'

type Write = (rows: readonly AuditRow[], stored: AuditRow[]) => void | Promise<void>

/** The titles of the cases that a sink fails, by how it writes. */
async function failedBy(write: Write, parts: Partial<AuditSink> = {}): Promise<string[]> {
  const stored: AuditRow[] = []
  const sink: AuditSink = { name: 'made', write: async (rows) => write(rows, stored), ...parts }
  const failed: string[] = []
  for (const { title, run } of sinkCases(() => ({ sink, written: async () => stored }))) {
    await run().catch(() => failed.push(title))
  }
  return failed
}

const keepOnce: Write = (rows, stored) => {
  for (const row of rows) if (!stored.some(({ id }) => id === row.id)) stored.push(row)
}

const fields = 'writes every field of a row as it was given'
const hostile = 'makes one record of a row with hostile text, and changes nothing in it'
const untouched = 'leaves the rows it was given as they are'
const once = 'counts a row once however often it is written'
const concurrent = 'writes every row of many concurrent writers, once'
const nothing = 'has nothing to do for no rows'
const closing = 'has what came before it was closed, refuses what comes later, and can be closed twice'

it('a sink that keeps its promises fails no case', async () => {
  expect(await failedBy(keepOnce)).toEqual([])
  const memory = memorySink()
  for (const { run } of sinkCases(() => ({ sink: memory, written: async () => memory.rows }))) await run()
})

it.each(Object.keys(sampleRow()))('a sink that forgets %s is found', async (field) => {
  const stored: AuditRow[] = []
  const forget = async (rows: readonly AuditRow[]) => {
    for (const row of rows) stored.push({ ...row, [field]: undefined } as AuditRow)
  }
  const [first] = sinkCases(() => ({ sink: { name: 'forgetful', write: forget }, written: async () => stored }))
  expect(first?.title).toBe(fields)
  await expect(first?.run()).rejects.toThrow()
})

const broken: Record<string, [Write, string[], Partial<AuditSink>?]> = {
  'that writes a row as often as it comes': [(rows, stored) => void stored.push(...rows), [once]],
  'that cleans texts up': [
    (rows, stored) =>
      keepOnce(
        rows.map((row) => ({ ...row, reason: row.reason?.replace(/\s+/g, ' ') ?? null })),
        stored,
      ),
    [hostile],
  ],
  'that makes rows of the lines of a text': [
    (rows, stored) => {
      keepOnce(rows, stored)
      const lines = rows.flatMap(({ tenant }) => (tenant ?? '').split(/\r?\n/))
      for (const line of lines) if (line.startsWith('{')) stored.push(JSON.parse(line))
    },
    [hostile],
  ],
  'that changes a row': [
    (rows, stored) => {
      for (const row of rows) (row as { eventVersion: number }).eventVersion += 0
      keepOnce(rows, stored)
    },
    [untouched],
  ],
  'that resolves too soon': [
    (rows, stored) => void sleep(5).then(() => keepOnce(rows, stored)),
    [fields, hostile, once, concurrent],
  ],
  'that drops what comes while it is busy': [
    async (rows, stored) => {
      const before = [...stored]
      await sleep(1)
      keepOnce(rows, before)
      stored.splice(0, stored.length, ...before)
    },
    [concurrent],
  ],
  'that stumbles over no rows': [
    (rows, stored) => {
      if (rows.length === 0) throw new RangeError('no rows')
      keepOnce(rows, stored)
    },
    [nothing],
  ],
  'that takes rows when it is closed': [keepOnce, [closing], { close: async () => undefined }],
}

it.each(Object.entries(broken))('a sink %s is found', async (_, [write, failed, parts]) => {
  expect(await failedBy(write, parts)).toEqual(failed)
})

it('a sink that loses what was under way when it was closed is found', async () => {
  const stored: AuditRow[] = []
  let closed = false
  const sink: AuditSink = {
    name: 'hasty',
    async write(rows) {
      if (closed) throw new Error('closed')
      await sleep(1)
      if (!closed) keepOnce(rows, stored)
    },
    async close() {
      closed = true
    },
  }
  const last = sinkCases(() => ({ sink, written: async () => stored })).at(-1)
  await expect(last?.run()).rejects.toThrow()
})

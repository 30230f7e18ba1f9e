import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { jsonlRows, jsonlSink } from '@countersign/adapters/jsonl'
import { pinoSink } from '@countersign/adapters/pino'
import { type AuditRow, fanOutSink, filteringSink, memorySink, rowFromJson } from '@countersign/core'
import { type SinkUnderTest, sinkCases } from '@countersign/core/testing'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { freshFolder } from '../support/fresh-folder.js'

async function rowsOf(path: string): Promise<AuditRow[]> {
  const rows: AuditRow[] = []
  const onUnreadable = ({ error }: { error: Error }): never => {
    throw error
  }
  for await (const row of jsonlRows(path, { onUnreadable })) rows.push(row)
  return rows
}

async function loggedRows(path: string): Promise<AuditRow[]> {
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n')
  return lines.map((line) => rowFromJson(JSON.parse(line).audit))
}

const sinks: Readonly<Record<string, (path: string) => SinkUnderTest>> = {
  memory() {
    const sink = memorySink()
    return { sink, written: async () => sink.rows }
  },
  jsonl: (path) => ({ sink: jsonlSink({ path }), written: () => rowsOf(path) }),
  'jsonl without fsync': (path) => ({ sink: jsonlSink({ path, fsync: false }), written: () => rowsOf(path) }),
  pino(path) {
    const logger = pino(pino.destination({ dest: path, sync: true }))
    return { sink: pinoSink(logger), written: () => loggedRows(path) }
  },
  'pino with a buffer'(path) {
    const logger = pino(pino.destination({ dest: path, sync: false, minLength: 4096 }))
    return { sink: pinoSink(logger), written: () => loggedRows(path) }
  },
  'fan-out of memory and jsonl'(path) {
    const memory = memorySink()
    return {
      sink: fanOutSink({ sinks: [memory, jsonlSink({ path })] }),
      async written() {
        const rows = await rowsOf(path)
        expect(memory.rows, 'both have the same').toEqual(rows)
        return rows
      },
    }
  },
  'filtering, which lets all pass'(path) {
    return { sink: filteringSink(jsonlSink({ path }), () => true), written: () => rowsOf(path) }
  },
}

describe.each(Object.entries(sinks))('%s', (name, open) => {
  const subject = open(join(freshFolder(), `${name.split(/\W/)[0]}.log`))
  for (const { title, run } of sinkCases(() => subject)) it(title, run)
})

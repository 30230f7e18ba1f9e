import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  AuditError,
  type AuditErrorCode,
  type AuditRow,
  type AuditSink,
  createAuditTrail,
  fanOutSink,
  memorySink,
} from '@countersign/core'
import { fileSpool } from '@countersign/core/spool'
import { sampleRow } from '@countersign/core/testing'
import { describe, expect, it } from 'vitest'
import { freshFolder } from '../support/fresh-folder.js'
import { thrownBy } from '../support/recording.js'
import { switchedSink } from '../support/switched-sink.js'

const refusing = (code: AuditErrorCode): AuditSink => ({
  name: code,
  write: () => Promise.reject(new AuditError(code, 'The sink says no.')),
})
const failure = (...sinks: AuditSink[]) => thrownBy(() => fanOutSink({ sinks }).write([sampleRow()]))

describe('what a fan-out rejects with', () => {
  it('is the very error of its one sink, in writing and in closing', async () => {
    const cause = new Error('no')
    const no = () => Promise.reject(cause)
    const sink = fanOutSink({ sinks: [{ name: 'one', write: no, close: no }] })
    expect(await thrownBy(() => sink.write([sampleRow()]))).toBe(cause)
    expect(await thrownBy(async () => sink.close?.())).toBe(cause)
  })

  it('is a refusal where each that failed refuses the row, and the store’s fault where one does not', async () => {
    expect(await failure(refusing('ROW_REFUSED'), memorySink(), refusing('ROW_INVALID'))).toMatchObject({
      code: 'ROW_REFUSED',
    })
    expect(await failure(refusing('ROW_REFUSED'), refusing('STORE_SILENT'))).toMatchObject({ code: 'SINK_FAILED' })
  })
})

const spooling = (sinks: readonly AuditSink[], copies: readonly AuditSink[] = []) => {
  const folder = freshFolder()
  const trail = createAuditTrail({ sink: fanOutSink({ sinks, copies }), spool: fileSpool({ folder }) })
  trail.signals.on('loss', () => undefined)
  trail.signals.on('fault', () => undefined)
  return { folder, trail }
}

it.each([1, 2])('behind a fan-out of %i a row that the store refuses keeps back none that waits', async (count) => {
  const store = switchedSink()
  const { folder, trail } = spooling([store, memorySink()].slice(0, count))
  store.state = 'down'
  await trail.record('login', { outcome: 'failure' })
  await trail.record('logout')
  store.state = 'picky'
  await expect.poll(() => trail.health.spooledRows).toBe(0)
  expect(store.stored.rows.map(({ event }) => event)).toContain('logout')
  expect(readFileSync(join(folder, 'refused.jsonl'), 'utf8')).toContain('"login"')
  await trail.close()
})

it('a copy is handed a row once, however often it is replayed', async () => {
  const store = switchedSink()
  const copied: AuditRow[] = []
  const copy = { name: 'copy', write: async (rows: readonly AuditRow[]) => void copied.push(...rows) }
  const { trail } = spooling([store], [copy])
  store.state = 'down'
  await trail.record('login', { outcome: 'failure' })
  await expect.poll(() => store.asked).toBeGreaterThan(3)
  store.state = 'up'
  await expect.poll(() => trail.health.reachable).toBe(true)
  await trail.close()
  const ids = copied.map(({ id }) => id)
  expect(ids).toEqual([...new Set(ids)])
  expect(new Set(ids)).toEqual(new Set(store.stored.rows.map(({ id }) => id)))
})

import { type AuditSink, filteringSink, memorySink } from '@countersign/core'
import { sampleRow } from '@countersign/core/testing'
import { describe, expect, it } from 'vitest'
import { codeOf, warningsDuring } from '../support/recording.js'

describe('filteringSink', () => {
  it('writes the rows that match, and counts the others as stored', async () => {
    const memory = memorySink()
    const sink = filteringSink(memory, ({ outcome }) => outcome !== 'success')
    const [success, failure] = [sampleRow({ outcome: 'success' }), sampleRow()]
    await sink.write([success, failure])
    expect(memory.rows).toEqual([failure])
  })

  it('does not trouble the sink when nothing matches', async () => {
    const away: AuditSink = { name: 'away', write: () => Promise.reject(new Error('away')) }
    await filteringSink(away, () => false).write([sampleRow()])
    await expect(filteringSink(away, () => true).write([sampleRow()])).rejects.toThrow('away')
  })

  const faulty = {
    throws: () => {
      throw new Error('no such field')
    },
    'answers with a promise': async () => false,
    'answers with a promise that fails': () => Promise.reject(new Error('x')),
  }
  it.each(Object.entries(faulty))('keeps every row when the filter %s, and says so once', async (_, filter) => {
    const memory = memorySink()
    const sink = filteringSink(memory, filter as never)
    const rows = [sampleRow(), sampleRow()]
    const warnings = await warningsDuring(async () => {
      await sink.write(rows)
      await sink.write([sampleRow()])
    })
    expect(memory.rows).toHaveLength(3)
    expect(warnings).toEqual([{ code: 'STEP_FAILED', message: expect.stringContaining('The filter of memory') }])
  })

  it('leaves out nothing for an answer that is not false', async () => {
    const memory = memorySink()
    await filteringSink(memory, (() => undefined) as never).write([sampleRow()])
    expect(memory.rows).toHaveLength(1)
  })

  it('waits for the caller when its sink does', () => {
    const waiting = (answer: boolean): AuditSink => ({ ...silent, waitsForCaller: () => answer })
    expect(filteringSink(waiting(true), () => true).waitsForCaller?.()).toBe(true)
    expect(filteringSink(waiting(false), () => true).waitsForCaller?.()).toBe(false)
    expect(filteringSink(silent, () => true).waitsForCaller?.()).toBe(false)
  })

  it('closes its sink, where that can be closed', async () => {
    let closed = 0
    const closing: AuditSink = { ...silent, close: async () => void closed++ }
    await filteringSink(closing, () => true).close?.()
    expect(closed).toBe(1)
    expect(filteringSink(silent, () => true).close).toBeUndefined()
  })

  it('is refused what is no sink, and what is no filter', () => {
    expect(codeOf(() => filteringSink(undefined as never, () => true))).toBe('SINK_INVALID')
    expect(codeOf(() => filteringSink(memorySink(), 'failure' as never))).toBe('SINK_INVALID')
  })
})

const silent: AuditSink = { name: 'silent', write: async () => undefined }

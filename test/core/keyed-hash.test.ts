import { createAuditTrail, memorySink, runInContext } from '@countersign/core'
import { describe, expect, it } from 'vitest'
import { keyedHashes } from '../../packages/core/dist/keyed-hash.js'
import { codeOf, onlyRow, recording } from '../support/recording.js'

const key = 'k'.repeat(32)

describe('keyedHashes', () => {
  it('gives the same hash for the same key, in any process', () => {
    expect(keyedHashes(key)('attempted')('ada@example.org')).toBe(keyedHashes(key)('attempted')('ada@example.org'))
    // Pinned: a change would cut every stored trail in two.
    expect(keyedHashes(key)('attempted')('ada@example.org')).toBe('03OwyB2jPqig9Kek3NQJ7A')
  })

  it('gives another hash for another purpose, another key or another text', () => {
    const hashes = [
      keyedHashes(key)('attempted')('x'),
      keyedHashes(key)('session')('x'),
      keyedHashes('K'.repeat(32))('attempted')('x'),
      keyedHashes(key)('attempted')('y'),
    ]
    expect(new Set(hashes).size).toBe(4)
  })

  it('takes bytes for what their text would be', () => {
    expect(keyedHashes(Buffer.from(key))('attempted')('x')).toBe(keyedHashes(key)('attempted')('x'))
  })

  it('is 128 bits in base64url', () => {
    expect(keyedHashes(key)('attempted')('x')).toMatch(/^[\w-]{22}$/)
  })

  it('does not follow a key that is changed or wiped afterwards', () => {
    const bytes = Buffer.from(key)
    const hashFor = keyedHashes(bytes)
    bytes.fill(0)
    expect(hashFor('attempted')('x')).toBe(keyedHashes(key)('attempted')('x'))
  })

  it('is another one for each trail without a key', () => {
    expect(keyedHashes(undefined)('attempted')('x')).not.toBe(keyedHashes(undefined)('attempted')('x'))
  })
})

describe('the key of a trail', () => {
  it.each([
    ['31 bytes', 'k'.repeat(31)],
    ['no bytes', ''],
    ['31 bytes of a buffer', new Uint8Array(31)],
  ])('is refused with %s', (_, short) => {
    expect(codeOf(() => createAuditTrail({ sink: memorySink(), key: short }))).toBe('KEY_INVALID')
  })

  it('counts bytes, not characters', () => {
    expect(codeOf(() => createAuditTrail({ sink: memorySink(), key: 'é'.repeat(16) }))).toBeNull()
  })

  it('makes rows of two processes comparable', async () => {
    const [one, two] = [recording({ key }), recording({ key })]
    await one.trail.record('login', { attempted: 'Ada@example.org' })
    await two.trail.record('login', { attempted: ' ada@EXAMPLE.org' })
    expect(onlyRow(one).attempted?.hash).toBe(onlyRow(two).attempted?.hash)
    expect(onlyRow(one).attempted?.hash).toBe(two.trail.identifierHash('ada@example.org'))
  })

  it('makes the same of a row for good: a change would cut every stored trail in two', async () => {
    const recorded = recording({ key })
    const attempted = 'ada@example.org'
    await runInContext({ sessionId: 's-1' }, () => recorded.trail.record('login', { attempted }))
    expect(onlyRow(recorded).attempted?.hash).toBe('03OwyB2jPqig9Kek3NQJ7A')
    expect(onlyRow(recorded).sessionId).toBe('8LwibC5jYDOJK48bCtObvA')
  })

  it('never gives a session the hash of an identifier', async () => {
    const recorded = recording({ key })
    await runInContext({ sessionId: 'ada' }, () => recorded.trail.record('login', { attempted: 'ada' }))
    const { sessionId, attempted } = onlyRow(recorded)
    expect(sessionId).toMatch(/^[\w-]{22}$/)
    expect(sessionId).not.toBe(attempted?.hash)
  })

  it('finds a very long identifier again by its hash', async () => {
    const recorded = recording({ key })
    const long = `${'a'.repeat(600)}@example.org`
    await recorded.trail.record('login', { attempted: long })
    expect(onlyRow(recorded).attempted?.hash).toBe(recorded.trail.identifierHash(long))
  })
})

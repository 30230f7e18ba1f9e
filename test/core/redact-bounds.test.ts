import { REDACTED, redact } from '@countersign/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const anything = fc.anything({
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true,
  withObjectString: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
  withUnicodeString: true,
  maxDepth: 5,
})
const texts = fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }))

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const unsafe = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [key, ...textsIn(inner)])
}

describe('redact, whatever it is given', () => {
  it('gives JSON and does not throw', () => {
    fc.assert(
      fc.property(anything, (value) => {
        const copy = redact(value)
        // Through JSON and back: -0 and holes are the only things that JSON writes otherwise.
        expect(JSON.stringify(JSON.parse(JSON.stringify(copy)))).toBe(JSON.stringify(copy))
      }),
    )
  })

  it('leaves no control character, no override and no lone surrogate, in keys or values', () => {
    fc.assert(
      fc.property(fc.oneof(anything, texts), (value) => {
        for (const text of textsIn(redact(value))) {
          expect(text.isWellFormed()).toBe(true)
          expect(text).not.toMatch(unsafe)
        }
      }),
    )
  })

  it('changes nothing when it is applied again', () => {
    fc.assert(
      fc.property(fc.oneof(anything, texts), (value) => {
        const once = redact(value)
        expect(redact(once)).toEqual(once)
      }),
    )
  })

  it('says how many entries were left out, also when it is applied again', () => {
    const wide = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`k${index}`, index]))
    const once = redact(wide) as Record<string, unknown>
    expect(once['…']).toBe('[50 more]')
    expect(redact(once)).toEqual(once)
  })

  it('does not throw for objects that lie about themselves', () => {
    const { proxy: revoked, revoke } = Proxy.revocable({}, {})
    revoke()
    const hostile: Record<string, unknown> = {
      revoked,
      'throwing keys': new Proxy(
        {},
        {
          ownKeys() {
            throw new Error('no')
          },
        },
      ),
      'no real date': Object.create(Date.prototype),
      'no real map': Object.create(Map.prototype),
      'no real set': Object.create(Set.prototype),
      'an error without a name': Object.assign(new Error('x'), { name: undefined }),
      'an error with a number for a message': Object.assign(new Error('x'), { message: 7 }),
      'a map with an unprintable key': new Map([[Object.create(null), 1]]),
      'a throwing item': Object.defineProperty([1], 0, {
        get() {
          throw new Error('no')
        },
      }),
      'a throwing property': {
        get field() {
          throw new Error('no')
        },
      },
    }
    const throwing = Object.keys(hostile).filter((name) => {
      try {
        JSON.stringify(redact({ value: hostile[name] }))
        return false
      } catch {
        return true
      }
    })
    expect(throwing).toEqual([])
  })
})

describe('redact, by size', () => {
  it('bounds texts, keys, lists, objects and depth', () => {
    const copy = redact({
      text: 'x'.repeat(5000),
      ['k'.repeat(500)]: 1,
      list: Array.from({ length: 500 }, () => 1),
      set: new Set(Array.from({ length: 500 }, (_, index) => index)),
      deep: Array.from({ length: 50 }).reduce((inner) => ({ inner }), 'bottom'),
    }) as Record<string, unknown>
    expect((copy.text as string).length).toBe(1024)
    expect(Object.keys(copy).every((key) => key.length <= 100)).toBe(true)
    expect(copy.list).toHaveLength(100)
    expect(copy.set).toHaveLength(100)
    expect(JSON.stringify(copy.deep)).toContain('[too deep]')
    expect(JSON.stringify(copy.deep)).not.toContain('bottom')
  })

  it('takes a hundred entries and no more, under names of a hundred characters', () => {
    const wide = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, index]))
    expect(redact(wide(100))).toEqual(wide(100))
    expect(redact(wide(101))).toEqual({ ...wide(100), '…': '[1 more]' })
    expect(redact({ ['k'.repeat(101)]: 1, ['n'.repeat(100)]: 2 })).toEqual({
      [`${'k'.repeat(99)}…`]: 1,
      ['n'.repeat(100)]: 2,
    })
  })

  it('goes eight objects deep and no deeper', () => {
    const nested = (depth: number, inside: unknown): unknown =>
      Array.from({ length: depth }).reduce((inner) => ({ inner }), inside)
    expect(redact(nested(8, 'bottom'))).toEqual(nested(8, 'bottom'))
    expect(redact(nested(9, 'bottom'))).toEqual(nested(8, '[too deep]'))
  })

  it('takes two thousand values and no more', () => {
    const hundred = Array.from({ length: 100 }, () => 1)
    const copy = redact(Array.from({ length: 30 }, () => hundred)) as unknown[]
    // The list, 19 full ones with their own, and what is left for the next.
    const last = hundred.map((one, index) => (index < 2000 - 1 - 19 * 101 - 1 ? one : '[too much]'))
    expect(copy).toEqual([...Array(19).fill(hundred), last, ...Array(10).fill('[too much]')])
  })

  it('never cuts a character in two', () => {
    const [text] = redact([`${'x'.repeat(1022)}🦊🦊`]) as [string]
    expect(text.isWellFormed()).toBe(true)
    expect(text.length).toBeLessThanOrEqual(1024)
  })

  it('is quick with a megabyte of what almost looks like a token', () => {
    const started = performance.now()
    expect(redact({ a: 'eyJ'.repeat(400_000), b: `${'a.'.repeat(400_000)}`, c: 'x'.repeat(1e6) })).toBeTypeOf('object')
    expect(performance.now() - started).toBeLessThan(500)
  })

  it('bounds the whole, also where the same object is reached by many ways', () => {
    let node: unknown = 'leaf'
    for (let level = 0; level < 6; level++) node = Array.from({ length: 8 }, () => node)
    // 8^6 leaves, out of 49 references: no row is meant to be that long.
    expect(JSON.stringify(redact({ node })).length).toBeLessThan(500_000)
  })

  it('keeps no more of a long text than its beginning, even when the secret comes late', () => {
    expect(redact({ note: `${'x'.repeat(2000)} Bearer abcdef0123456789` })).not.toEqual({ note: REDACTED })
    expect(JSON.stringify(redact({ note: `${'x'.repeat(2000)} Bearer abcdef0123456789` }))).not.toContain('abcdef')
  })
})

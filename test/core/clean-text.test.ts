import { cleanText } from '@countersign/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const unsafe = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/
const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.string())
const limit = fc.integer({ min: 1, max: 64 })

describe('cleanText', () => {
  it('leaves a short, harmless text as it is', () => {
    for (const text of ['', 'Ada', 'ünïcödé 🦊', '日本語', 'a'.repeat(10)]) expect(cleanText(text, 10)).toBe(text)
  })

  it.each([
    ['a line break', 'a\nb'],
    ['a carriage return', 'a\rb'],
    ['a NUL', 'a\u0000b'],
    ['a terminal escape', 'a\u001bb'],
    ['a C1 control', 'a\u009bb'],
    ['a right-to-left override', 'a\u202eb'],
    ['an isolate', 'a\u2066b'],
    ['a line separator', 'a\u2028b'],
    ['a zero-width space', 'a\u200bb'],
    ['a byte order mark', 'a\ufeffb'],
    ['a lone surrogate', 'a\ud800b'],
  ])('replaces %s', (_, text) => {
    expect(cleanText(text, 10)).toBe('a\ufffdb')
  })

  it('marks what it cut', () => {
    expect(cleanText('abcdefgh', 5)).toBe('abcd…')
    expect(cleanText('abcde', 5)).toBe('abcde')
  })

  it('cuts before a character of two units, the first and the last of them too', () => {
    expect(['\u{10000}', '\u{10ffff}'].map((wide) => cleanText(`ab${wide}cd`, 4))).toEqual(['ab…', 'ab…'])
    expect(cleanText('ab\u{10000}cd', 5)).toBe('ab\u{10000}…')
    expect(['\ud7ff', '\ue000'].map((narrow) => cleanText(`ab${narrow}cde`, 4))).toEqual(['ab\ud7ff…', 'ab\ue000…'])
  })

  it('is bounded, well-formed and free of control characters, whatever it is given', () => {
    fc.assert(
      fc.property(anyText, limit, (text, most) => {
        const clean = cleanText(text, most)
        expect(clean.length).toBeLessThanOrEqual(most)
        expect(clean.isWellFormed()).toBe(true)
        expect(clean).not.toMatch(unsafe)
      }),
    )
  })

  it('changes nothing when it is applied again', () => {
    fc.assert(
      fc.property(anyText, limit, (text, most) => {
        const once = cleanText(text, most)
        expect(cleanText(once, most)).toBe(once)
      }),
    )
  })

  it('never cuts a character in two', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-composite', minLength: 2 }), limit, (text, most) => {
        const clean = cleanText(text.toWellFormed(), most)
        expect(clean).not.toMatch(/[\ud800-\udbff](?![\udc00-\udfff])/)
      }),
    )
  })
})

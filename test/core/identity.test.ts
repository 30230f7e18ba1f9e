import { canonicalIdentifier, maskIdentifier } from '@countersign/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toActor } from '../../packages/core/dist/identity.js'
import { codeOf } from '../support/recording.js'

const typed = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.emailAddress())

describe('canonicalIdentifier', () => {
  it('brings spellings of one identifier into one form', () => {
    const spellings = ['ada@example.org', '  Ada@Example.ORG\t', 'ＡＤＡ@example.org', '\u00a0ada@example.org']
    expect(new Set(spellings.map(canonicalIdentifier))).toEqual(new Set(['ada@example.org']))
  })

  it('joins what is composed and what is decomposed', () => {
    expect(canonicalIdentifier('ju\u0308rgen')).toBe(canonicalIdentifier('j\u00fcrgen'))
  })

  it('changes nothing when it is applied again', () => {
    fc.assert(
      fc.property(typed, (raw) => {
        const once = canonicalIdentifier(raw)
        expect(canonicalIdentifier(once)).toBe(once)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('maskIdentifier', () => {
  it('leaves the first characters and the top-level domain of an e-mail address', () => {
    expect(maskIdentifier('jane.doe@example.com')).toBe('j***@e***.com')
    expect(maskIdentifier('j@x.co.uk')).toBe('j***@x***.uk')
    expect(maskIdentifier('🦊fox@example.org')).toBe('🦊***@e***.org')
  })

  it('knows an address by its parts, each as long as it may be', () => {
    expect(maskIdentifier(`${'a'.repeat(64)}@mail.example.org`)).toBe('a***@m***.org')
    expect(maskIdentifier('ada@example.museum')).toBe('a***@e***.***')
    const none = [`${'a'.repeat(65)}@example.org`, 'ada@example.museums', 'ada@example.o', 'ada@example..org']
    none.push('ada@example.org x', 'x ada@example.org', 'ada@@example.org', 'ada@example.org.', 'ada@ex ample.org')
    expect(new Set(none.map(maskIdentifier))).toEqual(new Set(['***']))
  })

  it('shows an ending that many people share, and no other: it may be the end of a password', () => {
    for (const ending of ['com', 'net', 'org', 'edu', 'gov', 'io', 'dev', 'app', 'co', 'nl']) {
      expect(maskIdentifier(`ada@example.${ending}`)).toBe(`a***@e***.${ending}`)
    }
    expect(maskIdentifier(canonicalIdentifier('Tr0ub@dor.horse'))).toBe('t***@d***.***')
  })

  it.each(['', 'ada', '+31 6 1234 5678', 'hunter2', 'correct horse battery staple', 'a@b', 'a b@example.org', '@.com'])(
    'leaves nothing of %j, which is no e-mail address',
    (text) => expect(maskIdentifier(text)).toBe('***'),
  )

  it('never reveals more than two characters and a top-level domain', () => {
    fc.assert(
      fc.property(typed, (raw) => {
        expect(maskIdentifier(canonicalIdentifier(raw))).toMatch(/^(?:\*{3}|.\*{3}@.\*{3}\.(?:[a-z]{2,3}|\*{3}))$/su)
      }),
      { numRuns: 2000 },
    )
  })

  it('never shows a password that was typed into the e-mail field', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4 }), (password) => {
        fc.pre(canonicalIdentifier(password).length >= 4)
        expect(maskIdentifier(canonicalIdentifier(password))).not.toContain(canonicalIdentifier(password))
      }),
      { numRuns: 2000 },
    )
  })

  it('shows no long part of a password that happens to look like an address', () => {
    expect(maskIdentifier('tr0ub4dor@3.correcthorsebattery')).not.toContain('correcthorse')
  })
})

describe('toActor', () => {
  it('takes type, id and label of an entity, and nothing else it carries', () => {
    const user = { id: 7, label: 'Ada', email: 'ada@example.org', passwordHash: '$argon2id$…' }
    expect(toActor(user)).toEqual({ type: 'user', id: '7', label: 'Ada' })
  })

  it('keeps a service a service, and an unknown type a user', () => {
    expect(toActor({ type: 'service', id: 'importer' })).toEqual({ type: 'service', id: 'importer' })
    expect(toActor({ type: 'admin', id: '1' } as never)).toEqual({ type: 'user', id: '1' })
  })

  it('leaves out an id that can not be text', () => {
    expect(toActor({ id: { toString: 1 } } as never)).toEqual({ type: 'user' })
    expect(toActor({ id: Object.create(null) } as never)).toEqual({ type: 'user' })
  })

  it.each([undefined, null, 'ada', 7])('refuses %j, which is no actor', (nobody) => {
    expect(codeOf(() => toActor(nobody as never))).toBe('SETTING_INVALID')
  })

  it('has a label only where it is a text', () => {
    expect(toActor({ id: 7, label: 8 } as never)).toEqual({ type: 'user', id: '7' })
    expect(toActor({ type: 'anonymous', label: 'Guest' })).toEqual({ type: 'anonymous', label: 'Guest' })
  })

  it('needs no id', () => {
    expect(toActor({ type: 'anonymous' })).toEqual({ type: 'anonymous' })
    expect(toActor({ id: null } as never)).toEqual({ type: 'user' })
  })
})

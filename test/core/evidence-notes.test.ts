import {
  newSigningKey,
  noteSigner,
  noteVerifier,
  parseCheckpoint,
  parseNote,
  signCheckpoint,
  signersOf,
  signNote,
  toBase64,
} from '@countersign/core/evidence'
import { describe, expect, it } from 'vitest'
import {
  checkpointOfUnpublishedKey,
  checkpoints,
  malformedNotes,
  noteOfUnpublishedKey,
  refusedNotes,
  signedNotes,
} from '../support/note-vectors.js'
import { codeOf } from '../support/recording.js'
import {
  checkpointTexts,
  malformedCheckpointTexts,
  malformedVerifierKeys,
  verifierKeys,
} from '../support/witness-vectors.js'

describe('signed notes, against published vectors', () => {
  it.each(signedNotes)('verifies that of $source', ({ verifierKey, text, note }) => {
    const parsed = parseNote(note)
    expect(parsed?.text).toBe(text)
    expect(parsed && signersOf(parsed, [noteVerifier(verifierKey)])).toHaveLength(1)
  })

  it.each(signedNotes.filter(({ signerKey }) => signerKey))('signs that of $source again', (vector) => {
    const { signerKey = '', text, note } = vector
    const [first] = parseNote(note)?.signatures ?? []
    expect(signNote(text, noteSigner(signerKey))).toBe(`${text}\n${first?.line}`)
  })

  it.each(malformedNotes)('takes this for none: $why', ({ note }) => {
    const text = Buffer.from(note).toString('utf8')
    const readable = Buffer.from(text).equals(Buffer.from(note)) ? parseNote(text) : null
    expect(readable).toBeNull()
  })

  it.each(refusedNotes)('believes none where $why', ({ verifierKeys: keys, note }) => {
    const parsed = parseNote(note)
    expect(parsed).not.toBeNull()
    expect((parsed && signersOf(parsed, keys.map(noteVerifier))) ?? []).toEqual([])
  })

  it.each(verifierKeys.filter(({ type }) => type === 1))('reads the key of $source', ({ verifierKey, signerKey }) => {
    expect(noteVerifier(verifierKey).text).toBe(verifierKey)
    if (signerKey) expect(noteSigner(signerKey).verifier.text).toBe(verifierKey)
  })

  it.each(malformedVerifierKeys)('refuses a key: $why', ({ verifierKey }) => {
    expect(codeOf(() => noteVerifier(verifierKey))).toBe('KEY_INVALID')
  })
})

describe('examples of the specifications whose keys are not published', () => {
  it('are taken apart as they are meant', () => {
    const { keyName, text, note } = noteOfUnpublishedKey
    const parsed = parseNote(note)
    expect([parsed?.text, parsed?.signatures.map(({ name }) => name)]).toEqual([text, [keyName]])
    const { origin, size, rootBase64 } = checkpointOfUnpublishedKey
    const checkpoint = parseCheckpoint(checkpointOfUnpublishedKey.note)
    expect(checkpoint).toMatchObject({ origin, size })
    expect(toBase64(checkpoint?.root ?? '')).toBe(rootBase64)
  })
})

describe('checkpoints, against published vectors', () => {
  it.each(checkpoints)('reads that of $source', ({ origin, size, rootBase64, note, verifierKey }) => {
    const parsed = parseCheckpoint(note)
    expect(parsed).toMatchObject({ origin, size })
    expect(toBase64(parsed?.root ?? '')).toBe(rootBase64)
    expect(parsed && signersOf(parsed.note, [noteVerifier(verifierKey)])).toHaveLength(1)
  })

  it.each(checkpointTexts)('reads and writes the text of $source', ({ origin, size, rootBase64, extensions, text }) => {
    const signer = noteSigner(newSigningKey('test'))
    const parsed = parseCheckpoint(signNote(text, signer))
    expect(parsed).toMatchObject({ origin, size })
    expect(toBase64(parsed?.root ?? '')).toBe(rootBase64)
    if (parsed && extensions.length === 0)
      expect(signCheckpoint({ ...parsed, previous: null }, signer)).toBe(signNote(text, signer))
  })

  it.each(malformedCheckpointTexts)('takes this for none: $why', ({ text }) => {
    expect(parseCheckpoint(`${text}${text.endsWith('\n') ? '' : '\n'}\n— test YWJjZGVmZ2g=\n`)).toBeNull()
  })
})

describe('signing keys', () => {
  it.each([
    ['one without its id', (key: string) => key.replace(/\+[0-9a-f]{8}\+/, '+')],
    ['one of which a part was lost', (key: string) => key.slice(0, -6)],
    ['one with another name', (key: string) => key.replace('example.org', 'example.com')],
    ['a public one', (key: string) => noteSigner(key).verifier.text],
    ['nothing', () => ''],
  ])('are refused, and not repeated: %s', (_what, change) => {
    const key = newSigningKey('example.org/audit')
    const changed = change(key)
    expect(codeOf(() => noteSigner(changed))).toBe('KEY_INVALID')
    try {
      noteSigner(changed)
    } catch (error) {
      if (changed.length > 20) expect(String(error)).not.toContain(changed.slice(-20))
    }
  })

  it.each(['', 'two words', 'a+b', 'line\nbreak', 'x'.repeat(257)])(
    'have a name that notes can bear: not %j',
    (name) => {
      expect(codeOf(() => newSigningKey(name))).toBe('KEY_INVALID')
    },
  )
})

import { type NoteVerifier, noteVerifier } from './note-key.js'
import type { KeyReceipt, ParsedReceipt } from './receipt.js'
import { type ParsedNote, signersOf } from './signed-note.js'

/** A key of a log, and the size of the log from which on it signs. */
export interface LogKey {
  readonly verifier: NoteVerifier
  readonly from: number
}

/** The keys of a log, one after the other, each vouched for by the one before it. */
export class LogKeys {
  readonly keys: readonly LogKey[]
  /** Why the log's keys are not to be believed; null where they are. */
  readonly distrust: string | null
  /** Whether one of them is a key that the caller knew. */
  readonly pinned: boolean

  /** Without keys that the caller knows the log's first word is taken for it. */
  constructor(receipts: readonly ParsedReceipt[], known: readonly NoteVerifier[]) {
    const statements = receipts.filter(isKeyReceipt).sort((a, b) => a.receipt.size - b.receipt.size)
    const keys: LogKey[] = []
    let broken: string | null = null
    for (const { receipt, note } of statements) {
      const before = keys.at(-1)?.verifier
      const verifier = verifierOf(receipt.key)
      const needed = verifier && (before ? [before, verifier] : [verifier])
      if (verifier && keys.some((key) => key.verifier.text === verifier.text && key.from === receipt.size)) continue
      const isNext = receipt.previous === (before?.text ?? null)
      if (!needed || !isNext || !isSignedBy(note, needed)) {
        broken = `The receipt ${receipt.id} names a new key, and does not follow from the key before it, or is not signed by both.`
        break
      }
      keys.push({ verifier, from: receipt.size })
    }
    this.keys = keys
    this.pinned = keys.some((key) => known.some(({ text }) => text === key.verifier.text))
    this.distrust = broken ?? distrustOf(keys, known, this.pinned)
  }

  /** Whether the key that signs a log of that size signed the note. A receipt may be of the moment after it. */
  haveSigned(note: ParsedNote, size: number, kind: 'checkpoint' | 'receipt'): boolean {
    const sizes = kind === 'checkpoint' ? [size] : [size, size + 1]
    return sizes.some((at) => {
      const verifier = this.#keyFor(at)
      return verifier !== undefined && isSignedBy(note, [verifier])
    })
  }

  #keyFor(size: number): NoteVerifier | undefined {
    return this.keys.findLast(({ from }, index) => index === 0 || from < size)?.verifier
  }
}

function distrustOf(keys: readonly LogKey[], known: readonly NoteVerifier[], pinned: boolean): string | null {
  if (keys.length === 0) return 'No receipt names a key of the log.'
  if (known.length === 0 || pinned) return null
  return `The log is signed by '${keys[0]?.verifier.text}', and no key that was given is one of the log's.`
}

function isKeyReceipt(parsed: ParsedReceipt): parsed is ParsedReceipt & { readonly receipt: KeyReceipt } {
  return parsed.receipt.kind === 'key'
}

function isSignedBy(note: ParsedNote, verifiers: readonly NoteVerifier[]): boolean {
  const signers = signersOf(note, verifiers)
  return signers !== null && verifiers.every((verifier) => signers.includes(verifier))
}

function verifierOf(text: string): NoteVerifier | null {
  try {
    return noteVerifier(text)
  } catch {
    return null
  }
}

import { type NoteVerifier, noteVerifier } from './note-key.js'
import type { ParsedKeyReceipt } from './receipt.js'
import { type ParsedNote, signersOf } from './signed-note.js'

/** A key of a log, and the size of the log from which on it signs. */
export interface LogKey {
  readonly verifier: NoteVerifier
  readonly from: number
}

/** The keys of a log, one after the other, each vouched for by the one before it. */
export class LogKeys {
  /** Why the log's keys are not to be believed; null where they are. */
  readonly distrust: string | null
  /** Whether one of them is a key that the caller knew. */
  readonly pinned: boolean
  readonly #keys: LogKey[] = []

  /** Without keys that the caller knows the log's first word is taken for it. */
  constructor(receipts: readonly ParsedKeyReceipt[], known: readonly NoteVerifier[]) {
    const statements = [...receipts].sort((a, b) => a.receipt.size - b.receipt.size)
    const broken = statements.find((statement) => !this.add(statement))
    this.pinned = this.#keys.some((key) => known.some(({ text }) => text === key.verifier.text))
    this.distrust = broken
      ? `The receipt ${broken.receipt.id} names a new key, and does not follow from the key before it, or is not signed by both.`
      : distrustOf(this.#keys, known, this.pinned)
  }

  get keys(): readonly LogKey[] {
    return this.#keys
  }

  /** False for a key that does not follow from the last one. */
  add({ origin, receipt, note }: ParsedKeyReceipt): boolean {
    const { previous, size } = receipt
    const verifier = verifierOf(receipt.key)
    if (verifier?.name !== origin) return false
    // Of two processes that began a log at the same time, each may have said so.
    if (this.#keys.some((key) => key.verifier.text === verifier.text && key.from === size)) return true
    const before = this.#keys.at(-1)
    if (previous !== (before?.verifier.text ?? null) || size < (before?.from ?? 0)) return false
    const signers = signersOf(note, [...this.#keys.map((key) => key.verifier), verifier])
    const isSigned = signers?.includes(verifier) && (!before || signers.includes(before.verifier))
    if (isSigned) this.#keys.push({ verifier, from: size })
    return isSigned === true
  }

  /** Whether the key that signs a log of that size signed the note. A receipt may be of the moment after it. */
  haveSigned(note: ParsedNote, size: number, kind: 'checkpoint' | 'receipt'): boolean {
    const sizes = kind === 'checkpoint' ? [size] : [size, size + 1]
    // Of all keys: a signature of any of them that does not verify makes the note worthless.
    const signers = signersOf(
      note,
      this.#keys.map(({ verifier }) => verifier),
    )
    return sizes.some((at) => {
      const verifier = this.#keyFor(at)
      return verifier !== undefined && signers?.includes(verifier) === true
    })
  }

  #keyFor(size: number): NoteVerifier | undefined {
    return this.#keys.findLast(({ from }, index) => index === 0 || from < size)?.verifier
  }
}

function distrustOf(keys: readonly LogKey[], known: readonly NoteVerifier[], pinned: boolean): string | null {
  if (keys.length === 0) return 'No receipt names a key of the log.'
  if (known.length === 0 || pinned) return null
  return `The log is signed by '${keys[0]?.verifier.text}', and no key that was given is one of the log's.`
}

function verifierOf(text: string): NoteVerifier | null {
  try {
    return noteVerifier(text)
  } catch {
    return null
  }
}

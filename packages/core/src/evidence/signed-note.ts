import type { NoteSigner, NoteVerifier } from './note-key.js'
import { isKeyName } from './note-key.js'

// Signed notes: https://c2sp.org/signed-note

/** A line of a note that says who signed it. */
export interface NoteSignature {
  readonly name: string
  /** Four bytes as hexadecimal digits. */
  readonly id: string
  readonly bytes: Buffer
  /** The whole line, with its newline. */
  readonly line: string
}

/** A note taken apart; nothing in it is to be believed before a signature was verified. */
export interface ParsedNote {
  /** With its last newline, as it was signed. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

const mostSignatures = 100
const longestNote = 1_000_000
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const control = /[\u0000-\u0009\u000b-\u001f]/

/** Signs a text, which ends with a newline; the note is what is stored and shown. */
export function signNote(text: string, ...signers: readonly NoteSigner[]): string {
  return `${text}\n${signers.map((signer) => signatureLine(text, signer)).join('')}`
}

function signatureLine(text: string, { verifier, sign }: NoteSigner): string {
  const bytes = Buffer.concat([Buffer.from(verifier.id, 'hex'), sign(Buffer.from(text))])
  return `— ${verifier.name} ${bytes.toString('base64')}\n`
}

/** Takes a note apart; null where it is none. */
export function parseNote(note: string): ParsedNote | null {
  if (note.length > longestNote || control.test(note) || !note.isWellFormed()) return null
  const split = note.lastIndexOf('\n\n')
  if (split < 0 || !note.endsWith('\n')) return null
  const signatures: NoteSignature[] = []
  const lines = note.slice(split + 2, -1).split('\n')
  if (lines.length > mostSignatures) return null
  for (const line of lines) {
    const signature = parseSignature(line)
    if (!signature) return null
    signatures.push(signature)
  }
  return { text: note.slice(0, split + 1), signatures }
}

/** A line of a signature, without its newline; null where it is none. */
export function parseSignature(line: string): NoteSignature | null {
  const match = /^— (?<name>\S+) (?<base64>[A-Za-z0-9+/]+={0,2})$/u.exec(line)
  const { name, base64 = '' } = match?.groups ?? {}
  const bytes = Buffer.from(base64, 'base64')
  if (!isKeyName(name) || bytes.length < 5 || bytes.toString('base64') !== base64) return null
  return { name, id: bytes.toString('hex', 0, 4), bytes: bytes.subarray(4), line: `${line}\n` }
}

/**
 * Those of the keys that signed a note. A signature of a key that is not among them is passed over; one that claims
 * to be of a key among them and is not makes the note worthless: null.
 */
export function signersOf(note: ParsedNote, verifiers: Iterable<NoteVerifier>): NoteVerifier[] | null {
  const message = Buffer.from(note.text)
  const known = [...verifiers]
  const found = new Set<NoteVerifier>()
  for (const { name, id, bytes } of note.signatures) {
    const named = known.filter((verifier) => verifier.name === name && verifier.id === id)
    // An id has four bytes: two keys may have the same.
    const signers = named.filter((verifier) => verifier.verify(message, bytes))
    if (named.length > 0 && signers.length === 0) return null
    for (const signer of signers) found.add(signer)
  }
  return [...found]
}

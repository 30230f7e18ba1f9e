import { AuditError } from '@countersign/core'
import { keyId, noteVerifier, parseCheckpoint } from '@countersign/core/evidence'

// Cosignatures: https://c2sp.org/tlog-cosignature

const ed25519 = 0x01
const cosignature = 0x04
const timeBytes = 8
// The last second that a Date can hold; what claims to be later was signed in no year that anybody lives to see.
const lastSecond = 8_640_000_000_000n

/** Checks the cosignatures of one witness. */
export interface CosignatureVerifier {
  readonly name: string
  /** Four bytes as hexadecimal digits. */
  readonly id: string
  /** When the witness cosigned that text of a checkpoint; null where this is no cosignature of it. */
  timeOf(text: string, signature: Buffer): Date | null
}

/** @throws AuditError `KEY_INVALID` */
export function cosignatureVerifier(key: string): CosignatureVerifier {
  const match = /^(?<name>[^+]+)\+(?<id>[0-9a-f]{8})\+(?<bytes>[A-Za-z0-9+/]+={0,2})$/.exec(String(key).trim())
  const { name = '', id = '', bytes = '' } = match?.groups ?? {}
  const decoded = Buffer.from(bytes, 'base64')
  const publicKey = decoded.subarray(1)
  if (publicKey.length !== 32 || decoded.toString('base64') !== bytes) {
    throw invalidKey("it has the form '<name>+<id>+<base64>'")
  }
  if (decoded[0] !== cosignature) throw invalidKey(`'${name}' is no key of an Ed25519 witness (type 4)`)
  if (keyId(name, cosignature, publicKey) !== id) throw invalidKey(`the id of '${name}' does not fit its key`)
  const { verify } = plainVerifier(name, publicKey)
  return {
    name,
    id,
    timeOf(text, signature) {
      if (signature.length <= timeBytes) return null
      const seconds = signature.readBigUInt64BE()
      if (seconds === 0n || seconds > lastSecond) return null
      const message = Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`)
      return verify(message, signature.subarray(timeBytes)) ? new Date(Number(seconds) * 1000) : null
    },
  }
}

/** The same key as one of a signed note: the type says what is signed, and not how. */
function plainVerifier(name: string, publicKey: Buffer): ReturnType<typeof noteVerifier> {
  const bytes = Buffer.concat([Buffer.of(ed25519), publicKey]).toString('base64')
  try {
    return noteVerifier(`${name}+${keyId(name, ed25519, publicKey)}+${bytes}`)
  } catch (cause) {
    throw invalidKey(`${JSON.stringify(name)} can't name a key`, cause)
  }
}

function invalidKey(what: string, cause?: unknown): AuditError {
  const message = `The key of a witness can't be used: ${what}. Copy it from where the witness is described.`
  return new AuditError('KEY_INVALID', message, { cause })
}

/** A witness that cosigned a checkpoint. */
export interface Cosigner {
  readonly name: string
  /** Its key, as it was given. */
  readonly key: string
  /** When it saw that the log had only grown, by its own clock; the last time of several. */
  readonly time: Date
}

/**
 * Those of the witnesses that cosigned a checkpoint, each once. Cosignatures of others are passed over. Null where the
 * note is no checkpoint, or a line claims to be of one of the witnesses and is not: such a note is worthless.
 *
 * Whether the log itself signed the checkpoint is another question, which `verifyLog` answers.
 *
 * @throws AuditError `KEY_INVALID` for a key that is none of an Ed25519 witness (type 4)
 * @example
 * const keys = ['remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2']
 * const [note = ''] = await fileAnchor({ path: 'audit.checkpoints' }).read()
 * for (const { name, time } of cosignersOf(note, keys) ?? []) console.log(`${name} saw it at ${time.toISOString()}`)
 */
export function cosignersOf(note: string, keys: Iterable<string>): Cosigner[] | null {
  const verifiers = [...keys].map((key) => ({ key, verifier: cosignatureVerifier(key) }))
  const checkpoint = parseCheckpoint(note)
  if (!checkpoint) return null
  const { text, signatures } = checkpoint.note
  // By name and id: a witness that is listed twice is still one.
  const found = new Map<string, Cosigner>()
  for (const { key, verifier } of verifiers) {
    for (const { name, id, bytes } of signatures) {
      if (name !== verifier.name || id !== verifier.id) continue
      const time = verifier.timeOf(text, bytes)
      if (!time) return null
      const known = found.get(`${name}+${id}`)
      if (!known) found.set(`${name}+${id}`, { name, key, time })
      else if (time > known.time) found.set(`${name}+${id}`, { ...known, time })
    }
  }
  return [...found.values()]
}

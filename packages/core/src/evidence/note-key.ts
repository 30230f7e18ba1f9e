import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign, verify } from 'node:crypto'
import { AuditError } from '../audit-error.js'
import { sha256 } from './sha256.js'

// Keys of signed notes, as https://c2sp.org/signed-note writes them.

const ed25519 = 0x01
const keyBytes = 32
const idBytes = 4
// What stands before the 32 bytes of a key in its usual encodings (RFC 8410).
const publicPrefix = Buffer.from('302a300506032b6570032100', 'hex')
const privatePrefix = Buffer.from('302e020100300506032b657004220420', 'hex')

/** Checks signatures of one key. */
export interface NoteVerifier {
  readonly name: string
  /** Four bytes as hexadecimal digits; with the name it says which key a signature is of. */
  readonly id: string
  /** The key as text: `<name>+<id>+<base64>`. */
  readonly text: string
  verify(message: Uint8Array, signature: Uint8Array): boolean
}

/** Signs notes, with a key that stays in it. */
export interface NoteSigner {
  readonly verifier: NoteVerifier
  sign(message: Uint8Array): Uint8Array
}

/** True for what may be the name of a key, and the origin of a log: an address without its scheme, for example. */
export function isKeyName(name: unknown): name is string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  return typeof name === 'string' && name.length <= 256 && /^[^\s+\u0000-\u001f\u007f]+$/u.test(name)
}

/**
 * A new key to sign a log with, as text: a secret.
 *
 * @throws AuditError `KEY_INVALID` for a name that no key can have
 * @example
 * const secret = newSigningKey('example.org/audit')
 */
export function newSigningKey(name: string): string {
  if (!isKeyName(name)) throw invalidKey(`${JSON.stringify(name)} can't name a key: no space, no plus, 256 characters`)
  const seed = randomBytes(keyBytes)
  const { id } = verifierOf(name, publicKeyOf(seed))
  return `PRIVATE+KEY+${name}+${id}+${Buffer.concat([Buffer.of(ed25519), seed]).toString('base64')}`
}

/**
 * The signer of a key's text.
 *
 * @throws AuditError `KEY_INVALID`
 * @example
 * const signer = noteSigner(process.env.CHECKPOINT_KEY ?? newSigningKey('example.org/audit'))
 */
export function noteSigner(secret: string): NoteSigner {
  const match = /^PRIVATE\+KEY\+(?<name>[^+]+)\+(?<id>[0-9a-f]{8})\+(?<key>[A-Za-z0-9+/]+={0,2})$/.exec(secret.trim())
  const { name = '', id = '', key = '' } = match?.groups ?? {}
  const seed = keyOf(key)
  // Not repeated: it is a secret, or part of one.
  if (!seed || !isKeyName(name)) throw invalidKey("a signing key has the form 'PRIVATE+KEY+<name>+<id>+<base64>'")
  const verifier = verifierOf(name, publicKeyOf(seed))
  if (verifier.id !== id) throw invalidKey("a signing key's id does not fit its key: part of it was lost or changed")
  const privateKey = createPrivateKey({ key: Buffer.concat([privatePrefix, seed]), format: 'der', type: 'pkcs8' })
  return { verifier, sign: (message) => sign(null, message, privateKey) }
}

/**
 * The verifier of a public key's text.
 *
 * @throws AuditError `KEY_INVALID`
 */
export function noteVerifier(text: string): NoteVerifier {
  const { name, id, type, key } = publicKeyParts(text)
  if (type !== ed25519) throw invalidKey(`'${name}' is no Ed25519 key`)
  const verifier = verifierOf(name, key)
  if (verifier.id !== id) throw invalidKey(`the id of '${name}' does not fit its key: part of it was lost or changed`)
  return verifier
}

/** The parts of a public key's text, of whatever type. */
function publicKeyParts(text: string): { name: string; id: string; type: number; key: Buffer } {
  const match = /^(?<name>[^+]+)\+(?<id>[0-9a-f]{8})\+(?<bytes>[A-Za-z0-9+/]+={0,2})$/.exec(text.trim())
  const { name = '', id = '', bytes = '' } = match?.groups ?? {}
  const decoded = Buffer.from(bytes, 'base64')
  if (!isKeyName(name) || decoded.length !== keyBytes + 1 || decoded.toString('base64') !== bytes)
    throw invalidKey("a public key has the form '<name>+<id>+<base64>'")
  return { name, id, type: decoded[0] as number, key: decoded.subarray(1) }
}

/** The id of a key (signed-note, "Signatures"). */
export function keyId(name: string, type: number, key: Uint8Array): string {
  const material = Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(type), key])
  return Buffer.from(sha256(material), 'latin1').toString('hex', 0, idBytes)
}

/** Ed25519 with a key of 32 bytes. */
function ed25519Key(key: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([publicPrefix, key]), format: 'der', type: 'spki' })
}

function verifierOf(name: string, key: Uint8Array): NoteVerifier {
  const id = keyId(name, ed25519, key)
  const publicKey = ed25519Key(key)
  return {
    name,
    id,
    text: `${name}+${id}+${Buffer.concat([Buffer.of(ed25519), key]).toString('base64')}`,
    verify: (message, signature) => signature.length === 64 && verify(null, message, publicKey, signature),
  }
}

function publicKeyOf(seed: Uint8Array): Buffer {
  const privateKey = createPrivateKey({ key: Buffer.concat([privatePrefix, seed]), format: 'der', type: 'pkcs8' })
  return createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(publicPrefix.length)
}

function keyOf(base64: string): Buffer | null {
  const bytes = Buffer.from(base64, 'base64')
  return bytes.length === keyBytes + 1 && bytes[0] === ed25519 ? bytes.subarray(1) : null
}

function invalidKey(what: string): AuditError {
  return new AuditError('KEY_INVALID', `The key can't be used: ${what}. Make one with: countersign key new <name>`)
}

import { createHmac, createSecretKey, hkdfSync, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { AuditError } from '../audit-error.js'
import type { KeyedHash } from '../keyed-hash.js'
import { type KeyFile, readKeyFile, readOrMakeKeyFile } from './key-file.js'

const leastBytes = 32

/**
 * The root of all keys, and one key derived per purpose (RFC 5869): `audit` is that of the trail.
 *
 * @example
 * const secrets = new Secrets(secretOfFolder('data'))
 * const trail = createAuditTrail({ sink, key: secrets.key('audit') })
 */
export class Secrets {
  readonly #root: Buffer

  /** @throws AuditError `KEY_INVALID` for fewer than 32 bytes */
  constructor(root: string | Uint8Array) {
    this.#root = Buffer.from(root as string)
    if (this.#root.length < leastBytes) {
      throw new AuditError(
        'KEY_INVALID',
        `SECRET_KEY has ${this.#root.length} bytes; it needs ${leastBytes} random ones or more ('openssl rand -base64 32').`,
      )
    }
  }

  key(purpose: string): Uint8Array {
    // The name is of the time when only the server derived keys. Another one would be other keys.
    return new Uint8Array(hkdfSync('sha256', this.#root, '', `countersign-auth/${purpose}`, 32))
  }

  /** HMAC-SHA-256 with the key of a purpose, in base64url: what is kept of a token, so that a copy of the database is none. */
  keyedHash(purpose: string): KeyedHash {
    // A key that is taken over once: given as bytes, it would be taken over for each hash, at seven times the cost.
    const key = createSecretKey(this.key(purpose))
    return (text) => createHmac('sha256', key).update(text).digest('base64url')
  }
}

const fileIn = (folder: string): KeyFile => ({ folder, name: 'secret.key' })

/**
 * For development: the secret of a data folder, made on first use and readable by its owner only.
 *
 * @throws AuditError `KEY_INVALID` for a file that holds no whole key, `SETTING_INVALID` for a
 * folder that can't be used
 * @example
 * const secret = process.env.SECRET_KEY || secretOfFolder('data')
 */
export function secretOfFolder(folder: string): string {
  return whole(
    folder,
    readOrMakeKeyFile(fileIn(folder), () => randomBytes(32).toString('base64')),
  )
}

/**
 * The secret of a data folder where one was made; null where none was, and none is made.
 *
 * @throws AuditError `KEY_INVALID`, `SETTING_INVALID`
 * @example
 * const secret = process.env.SECRET_KEY || storedSecret('data')
 */
export function storedSecret(folder: string): string | null {
  const secret = readKeyFile(fileIn(folder))
  return secret === null ? null : whole(folder, secret)
}

function whole(folder: string, secret: string): string {
  const bytes = Buffer.byteLength(secret)
  if (bytes >= leastBytes) return secret
  throw new AuditError(
    'KEY_INVALID',
    `${join(folder, 'secret.key')} has ${bytes} bytes; a key has ${leastBytes} or more. Put back the one that was there, or remove the file: a new key ends every login and every mailed link.`,
  )
}

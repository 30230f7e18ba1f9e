import { hkdfSync, randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { AuditError } from '@countersign/core'

/** The root of all keys, and one key derived per purpose (RFC 5869). */
export class Secrets {
  readonly #root: Buffer

  /** @throws AuditError `KEY_INVALID` for fewer than 32 bytes */
  constructor(root: string | Uint8Array) {
    this.#root = Buffer.from(root)
    if (this.#root.length < 32) {
      throw new AuditError(
        'KEY_INVALID',
        `SECRET_KEY has ${this.#root.length} bytes; it needs 32 random ones or more ('openssl rand -base64 32').`,
      )
    }
  }

  key(purpose: string): Uint8Array {
    return new Uint8Array(hkdfSync('sha256', this.#root, '', `countersign-auth/${purpose}`, 32))
  }
}

/** For development: the secret of a data folder, made on first use and readable by its owner only. */
export function secretOfFolder(folder: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, 'secret.key')
  try {
    const file = openSync(path, 'wx', 0o600)
    writeSync(file, randomBytes(32).toString('base64'))
    closeSync(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return readFileSync(path, 'utf8')
}

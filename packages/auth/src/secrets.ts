import { hkdfSync, randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { AuditError } from '@countersign/core'

const leastBytes = 32

/** The root of all keys, and one key derived per purpose (RFC 5869). */
export class Secrets {
  readonly #root: Buffer

  /** @throws AuditError `KEY_INVALID` for fewer than 32 bytes */
  constructor(root: string | Uint8Array) {
    this.#root = Buffer.from(root)
    if (this.#root.length < leastBytes) {
      throw new AuditError(
        'KEY_INVALID',
        `SECRET_KEY has ${this.#root.length} bytes; it needs ${leastBytes} random ones or more ('openssl rand -base64 32').`,
      )
    }
  }

  key(purpose: string): Uint8Array {
    return new Uint8Array(hkdfSync('sha256', this.#root, '', `countersign-auth/${purpose}`, 32))
  }
}

/**
 * For development: the secret of a data folder, made on first use and readable by its owner only.
 *
 * @throws AuditError `KEY_INVALID` for a file that holds no whole key, `SETTING_INVALID` for a
 * folder that can't be used
 */
export function secretOfFolder(folder: string): string {
  const path = join(folder, 'secret.key')
  const secret = readOrMake(path, folder)
  const bytes = Buffer.byteLength(secret)
  if (bytes >= leastBytes) return secret
  throw new AuditError(
    'KEY_INVALID',
    `${path} has ${bytes} bytes; a key has ${leastBytes} or more. Put back the one that was there, or remove the file: a new key ends every login and every mailed link.`,
  )
}

function readOrMake(path: string, folder: string): string {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    if (!existsSync(path)) make(path)
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw new AuditError('SETTING_INVALID', `The data folder ${folder} (DATA_DIR) can't be used (${why}).`, { cause })
  }
}

/** Whole or not at all: a link is made in one step, and by one of several processes. */
function make(path: string): void {
  const mine = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  const file = openSync(mine, 'wx', 0o600)
  try {
    writeSync(file, randomBytes(32).toString('base64'))
    fsyncSync(file)
    linkSync(mine, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    closeSync(file)
    unlinkSync(mine)
  }
}

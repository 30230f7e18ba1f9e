import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { AuditError } from '@countersign/core'
import type { Secrets } from '@countersign/core/keys'

const nonceBytes = 12
const tagBytes = 16

/**
 * Keeps what is secret and must be read again: AES-256-GCM with a key of its own per purpose. What
 * is sealed for one owner (an account, a key's id) opens for no other.
 */
export class Sealing {
  readonly #key: Uint8Array

  constructor(secrets: Secrets, purpose: string) {
    this.#key = secrets.key(purpose)
  }

  /** A nonce, a tag and the cipher text, in base64url. */
  seal(content: string, owner: string): string {
    const nonce = randomBytes(nonceBytes)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(owner))
    const hidden = Buffer.concat([cipher.update(content, 'utf8'), cipher.final()])
    return Buffer.concat([nonce, cipher.getAuthTag(), hidden]).toString('base64url')
  }

  /** @throws AuditError `KEY_INVALID` for what was altered, or sealed for another owner or with another key */
  open(sealed: string, owner: string): string {
    const bytes = Buffer.from(sealed, 'base64url')
    const [nonce, tag] = [bytes.subarray(0, nonceBytes), bytes.subarray(nonceBytes, nonceBytes + tagBytes)]
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: tagBytes })
      decipher.setAAD(Buffer.from(owner)).setAuthTag(tag)
      const content = Buffer.concat([decipher.update(bytes.subarray(nonceBytes + tagBytes)), decipher.final()])
      return content.toString('utf8')
    } catch (cause) {
      throw new AuditError(
        'KEY_INVALID',
        'What is sealed in the database does not open: it was altered, or SECRET_KEY is not the one it was sealed with.',
        { cause },
      )
    }
  }
}

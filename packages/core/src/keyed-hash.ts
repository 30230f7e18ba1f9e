import { createHmac, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto'
import { AuditError } from './audit-error.js'

/** A function from text to its keyed hash, 128 bits in base64url. */
export type KeyedHash = (text: string) => string

/**
 * Makes one keyed hash per purpose from the root key (RFC 5869, RFC 2104), so that a hash made
 * for one purpose says nothing about another. Without a key the hashes hold for this process only.
 */
export function keyedHashes(root: string | Uint8Array | undefined): (purpose: string) => KeyedHash {
  const material = root === undefined ? randomBytes(32) : Buffer.from(root)
  if (material.length < 32) {
    throw new AuditError(
      'KEY_INVALID',
      `key has ${material.length} bytes; give at least 32 random ones, for example from 'openssl rand -base64 32'.`,
    )
  }
  return (purpose) => {
    const key = derive(material, purpose)
    return (text) => createHmac('sha256', key).update(text).digest().subarray(0, 16).toString('base64url')
  }
}

function derive(material: Buffer, purpose: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', material, '', `countersign/${purpose}`, 32)))
}

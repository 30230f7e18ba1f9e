import { createSecretKey, hash, hkdfSync, type KeyObject, randomBytes } from 'node:crypto'
import { AuditError } from './audit-error.js'

/** A function from text to its keyed hash, in base64url. */
export type KeyedHash = (text: string) => string

/**
 * Derives one key per purpose from the root key (RFC 5869), so that what is made for one purpose
 * says nothing about another. Without a root key they hold for this process only.
 *
 * @throws AuditError `KEY_INVALID`
 */
export function derivedKeys(root: string | Uint8Array | undefined): (purpose: string) => KeyObject {
  const material = root === undefined ? randomBytes(32) : Buffer.from(root)
  if (material.length < 32) {
    throw new AuditError(
      'KEY_INVALID',
      `key has ${material.length} bytes; give at least 32 random ones, for example from 'openssl rand -base64 32'.`,
    )
  }
  return (purpose) => createSecretKey(Buffer.from(hkdfSync('sha256', material, '', `countersign/${purpose}`, 32)))
}

/** Makes one keyed hash (RFC 2104), of 128 bits, per purpose from the root key. */
export function keyedHashes(root: string | Uint8Array | undefined): (purpose: string) => KeyedHash {
  const keyFor = derivedKeys(root)
  return (purpose) => hmacWith(keyFor(purpose).export())
}

const block = 64

/**
 * HMAC-SHA256, put together from two one-shot hashes, with digests as text: half the time of
 * `createHmac`, and no object of the native side for the garbage collector.
 */
function hmacWith(key: Uint8Array): KeyedHash {
  const inner = Buffer.alloc(block, 0x36)
  const outer = Buffer.alloc(block + 32, 0x5c)
  for (const [index, byte] of key.entries()) {
    inner[index] = 0x36 ^ byte
    outer[index] = 0x5c ^ byte
  }
  const short = Buffer.alloc(16)
  return (text) => {
    outer.write(hash('sha256', Buffer.concat([inner, Buffer.from(text)]), 'binary'), block, 'latin1')
    short.write(hash('sha256', outer, 'binary'), 'latin1')
    return short.toString('base64url')
  }
}

const mostRemembered = 500

/** Makes the hash of a text that comes again and again only once, as far as the last of them. */
export function remembered(hashOf: KeyedHash): KeyedHash {
  // Two generations: dropping the older one whole costs nothing.
  let recent = new Map<string, string>()
  let older = new Map<string, string>()
  return (text) => {
    const known = recent.get(text) ?? older.get(text)
    if (known !== undefined) return known
    const made = hashOf(text)
    if (recent.size >= mostRemembered) [older, recent] = [recent, new Map()]
    recent.set(text, made)
    return made
  }
}

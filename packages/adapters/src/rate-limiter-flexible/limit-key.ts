import { createHash } from 'node:crypto'
import type { LimitedBy } from '@countersign/core'
import ipaddr from 'ipaddr.js'

// A text that a store refuses would be a way to make every attempt count elsewhere.
const storable = /^[\x21-\x7e]{1,100}$/

/** The key that an attempt is counted under: short, and nothing that a store could stumble over. */
export function limitKey(by: LimitedBy, key: string): string {
  const folded = by === 'address' ? foldAddress(key) : key
  return storable.test(folded) ? folded : createHash('sha256').update(folded).digest('base64url')
}

/** Who rotates addresses inside one network is one client: IPv6 counts by /64 (RFC 4291). */
function foldAddress(text: string): string {
  if (!ipaddr.isValid(text)) return text
  const address = ipaddr.process(text)
  if (address.kind() === 'ipv4') return address.toString()
  return `${(address as ipaddr.IPv6).parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`
}

import { randomFillSync } from 'node:crypto'

const hex: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const pool = new Uint8Array(8 * 512)
let offset = pool.length
let lastMillisecond = 0
let sequence = 0

function byte(index: number): string {
  return hex[pool[index] as number] as string
}

/**
 * A UUIDv7 (RFC 9562), ascending within this process: 48 bits of milliseconds, a 12-bit sequence,
 * 62 random bits. The time part is what the store partitions and pages by.
 */
export function rowId(now: number = Date.now()): string {
  if (now > lastMillisecond) {
    lastMillisecond = now
    sequence = 0
  } else if (++sequence > 0xfff) {
    // The sequence is full, or the clock stands still or went back: borrow from the next millisecond.
    lastMillisecond++
    sequence = 0
  }
  if (offset === pool.length) {
    randomFillSync(pool)
    offset = 0
  }
  const o = offset
  offset += 8
  const time = lastMillisecond.toString(16).padStart(12, '0')
  const variant = hex[((pool[o] as number) & 0x3f) | 0x80] as string
  return `${time.slice(0, 8)}-${time.slice(8)}-7${sequence.toString(16).padStart(3, '0')}-${variant}${byte(o + 1)}-${byte(o + 2)}${byte(o + 3)}${byte(o + 4)}${byte(o + 5)}${byte(o + 6)}${byte(o + 7)}`
}

/** The milliseconds since 1970 that a {@link rowId} carries. */
export function timeOfRowId(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}

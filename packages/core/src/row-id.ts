import { randomFillSync } from 'node:crypto'

// Written into one buffer: a string of parts would be put together later, by whoever reads it first.
const text = Buffer.from('00000000-0000-7000-8000-000000000000')
const digits = Buffer.from('0123456789abcdef')
const places = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]
// Drawn in bulk: a call per row would cost more than all the rest.
const random = Buffer.alloc(8 * 512)
let drawn = random.length
let lastMillisecond = 0
let sequence = 0

/**
 * A UUIDv7 (RFC 9562), ascending within this process: 48 bits of milliseconds, a 12-bit sequence,
 * 62 random bits. The time part is what the store partitions and pages by.
 */
export function rowId(now: number = Date.now()): string {
  // The sequence is full, or the clock stands still or went back: borrow from the next millisecond.
  if (now > lastMillisecond) startMillisecond(now)
  else if (++sequence > 0xfff) startMillisecond(lastMillisecond + 1)
  if (drawn === random.length) {
    randomFillSync(random)
    drawn = 0
  }
  put(6, 0x70 | (sequence >> 8))
  put(7, sequence & 0xff)
  put(8, 0x80 | ((random[drawn++] as number) & 0x3f))
  for (let index = 9; index < 16; index++) put(index, random[drawn++] as number)
  return text.toString('latin1')
}

function startMillisecond(millisecond: number): void {
  lastMillisecond = millisecond
  sequence = 0
  let rest = millisecond
  for (let index = 5; index >= 0; index--) {
    put(index, rest % 256)
    rest = Math.floor(rest / 256)
  }
}

function put(index: number, byte: number): void {
  const place = places[index] as number
  text[place] = digits[byte >> 4] as number
  text[place + 1] = digits[byte & 15] as number
}

/** The milliseconds since 1970 that a {@link rowId} carries. */
export function timeOfRowId(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}

import { randomFillSync } from 'node:crypto'

const sequences: readonly string[] = Array.from({ length: 0x1000 }, (_, value) => value.toString(16).padStart(3, '0'))
const variants = '89ab'
// Random digits are drawn in bulk: a call per row would cost more than all the rest.
const digitsPerId = 16
const drawn = Buffer.alloc(256 * (digitsPerId / 2))
let digits = ''
let used = 0
let lastMillisecond = 0
let sequence = 0
let head = ''

/**
 * A UUIDv7 (RFC 9562), ascending within this process: 48 bits of milliseconds, a 12-bit sequence,
 * 62 random bits. The time part is what the store partitions and pages by.
 */
export function rowId(now: number = Date.now()): string {
  // The sequence is full, or the clock stands still or went back: borrow from the next millisecond.
  if (now > lastMillisecond) startMillisecond(now)
  else if (++sequence === sequences.length) startMillisecond(lastMillisecond + 1)
  if (used === digits.length) draw()
  const variant = variants[(drawn[used / 2] as number) >> 6]
  const random = `${variant}${digits.slice(used + 1, used + 4)}-${digits.slice(used + 4, used + digitsPerId)}`
  used += digitsPerId
  return `${head}${sequences[sequence]}-${random}`
}

function startMillisecond(millisecond: number): void {
  lastMillisecond = millisecond
  sequence = 0
  const time = millisecond.toString(16).padStart(12, '0')
  head = `${time.slice(0, 8)}-${time.slice(8)}-7`
}

function draw(): void {
  digits = randomFillSync(drawn).toString('hex')
  used = 0
}

/** The milliseconds since 1970 that a {@link rowId} carries. */
export function timeOfRowId(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}

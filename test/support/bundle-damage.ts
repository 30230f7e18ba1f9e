import type { FindingKind } from '@countersign/core/evidence'
import type { Random } from './seeded-random.js'

/** A way of damaging the file of a bundle, and what it may be called: a changed byte is now one thing, now another. */
export interface Damage {
  readonly what: string
  readonly bytes: Uint8Array
  readonly named: readonly FindingKind[]
}

type Maker = (text: string, random: Random) => Damage

const linesOf = (text: string): string[] => text.trimEnd().split('\n')
const bytesOf = (lines: readonly string[]): Uint8Array => Buffer.from(`${lines.join('\n')}\n`)

function indexOf(lines: readonly string[], start: string, random: Random): number {
  const found = lines.flatMap((line, index) => (line.startsWith(start) ? [index] : []))
  return found[random(found.length)] as number
}

/** Flips one bit of one byte of a line of that sort, but never so that a line ends there. */
function flipped(text: string, start: string, random: Random): { what: string; bytes: Uint8Array } {
  const lines = linesOf(text)
  const index = indexOf(lines, start, random)
  const line = Buffer.from(lines[index] as string)
  for (;;) {
    const [place, bit] = [random(line.length), random(8)]
    const changed = (line[place] as number) ^ (1 << bit)
    if (changed === 0x0a) continue
    const copy = Buffer.from(line)
    copy[place] = changed
    const bytes = Buffer.concat([
      bytesOf(lines.slice(0, index)).subarray(index === 0 ? 1 : 0),
      copy,
      Buffer.from('\n'),
      bytesOf(lines.slice(index + 1)),
    ])
    return { what: `bit ${bit} of byte ${place} of line ${index + 1}: ${copy.toString()}`, bytes }
  }
}

const makers: Readonly<Record<string, Maker>> = {
  'a bit of a leaf': (text, random) => ({ ...flipped(text, '{"leaf"', random), named: ['altered'] }),
  'a bit of a checkpoint': (text, random) => ({
    ...flipped(text, '{"checkpoint"', random),
    named: ['altered', 'forged'],
  }),
  'a bit of a receipt': (text, random) => ({
    ...flipped(text, '{"receipt"', random),
    named: ['altered', 'forged', 'removed'],
  }),
  'a bit of the first line': (text, random) => ({
    ...flipped(text, '{"countersign"', random),
    named: ['altered', 'forged', 'removed', 'truncated'],
  }),
  'a bit of the last line': (text, random) => ({ ...flipped(text, '{"end"', random), named: ['altered', 'truncated'] }),
  'a leaf that is taken out': (text, random) => {
    const lines = linesOf(text)
    const index = indexOf(lines.slice(0, -30), '{"leaf"', random)
    return { what: `line ${index + 1}`, bytes: bytesOf(lines.toSpliced(index, 1)), named: ['removed'] }
  },
  'a checkpoint that is taken out': (text, random) => {
    const lines = linesOf(text)
    const index = indexOf(lines.slice(0, -30), '{"checkpoint"', random)
    return { what: `line ${index + 1}`, bytes: bytesOf(lines.toSpliced(index, 1)), named: ['removed'] }
  },
  'a line that comes twice': (text, random) => {
    const lines = linesOf(text)
    const index = indexOf(lines, ['{"leaf"', '{"checkpoint"'][random(2)] as string, random)
    const copy = lines[index] as string
    return { what: `line ${index + 1}`, bytes: bytesOf(lines.toSpliced(index, 0, copy)), named: ['forged'] }
  },
  'a leaf from elsewhere': (text, random) => {
    const lines = linesOf(text)
    const index = indexOf(lines.slice(0, -30), '{"leaf"', random)
    const other = (lines[indexOf(lines, '{"leaf"', random)] as string).replace(/"leaf":\d+/, '"leaf":7')
    return {
      what: `after line ${index + 1}`,
      bytes: bytesOf(lines.toSpliced(index, 0, other)),
      // Without a row it is one more than the receipt of a retention vouches for, and nobody can tell which of them.
      named: ['forged', 'altered', 'reordered', ...(other.includes('"row"') ? [] : (['removed'] as const))],
    }
  },
  'two neighbours that change places': (text, random) => {
    const lines = linesOf(text)
    const index = indexOf(lines.slice(0, -30), '{"leaf"', random)
    const [a, b] = [lines[index] as string, lines[index + 1] as string]
    return {
      what: `lines ${index + 1} and ${index + 2}`,
      bytes: bytesOf(lines.toSpliced(index, 2, b, a)),
      named: ['reordered'],
    }
  },
  // A leaf whose row went by retention may stand anywhere, as far as anybody can tell from it.
  'two leaves far apart that change places': (text, random) => {
    const lines = linesOf(text)
    const [a, b] = [
      indexOf(lines.slice(0, -30), '{"leaf"', random),
      indexOf(lines.slice(0, -30), '{"leaf"', random),
    ].sort((x, y) => x - y) as [number, number]
    const other = a === b ? a - 1 : b
    const [low, high] = [Math.min(a, other), Math.max(a, other)]
    const [early, late] = [lines[low] as string, lines[high] as string]
    // As above: one that came without its row to where a receipt does not know of it is one more that is gone.
    const bothHaveRows = early.includes('"row"') && late.includes('"row"')
    return {
      what: `lines ${low + 1} and ${high + 1}`,
      bytes: bytesOf(lines.with(low, late).with(high, early)),
      named: ['altered', 'reordered', ...(bothHaveRows ? [] : (['removed'] as const))],
    }
  },
  'an end that is cut off': (text, random) => {
    const bytes = Buffer.from(text)
    const length = random(bytes.length - 1)
    return { what: `after ${length} bytes`, bytes: bytes.subarray(0, length), named: ['truncated'] }
  },
}

/** Every way of damaging a bundle, by its name. */
export const damages: ReadonlyArray<{ readonly name: string; readonly make: Maker }> = Object.entries(makers).map(
  ([name, make]) => ({ name, make }),
)

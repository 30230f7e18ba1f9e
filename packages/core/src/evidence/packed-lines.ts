import type { ReadLine } from './bundle-lines.js'
import { digestBytes } from './sha256.js'

/** Lines on their way between threads. Most are leaves that fit their rows, and all that is sent of those is two columns. */
export interface PackedLines {
  readonly indexes: readonly number[]
  /** One after the other. */
  readonly hashes: string
  /** Everything else, and how many lines come before it. */
  readonly others: ReadonlyArray<readonly [before: number, line: ReadLine]>
}

export function packed(lines: readonly ReadLine[]): PackedLines {
  const indexes: number[] = []
  const others: Array<[number, ReadLine]> = []
  let hashes = ''
  for (const [before, line] of lines.entries()) {
    if ('fitting' in line && !line.fitting.erased) {
      indexes.push(line.fitting.index)
      hashes += line.fitting.hash
    } else others.push([before, line])
  }
  return { indexes, hashes, others }
}

export function unpacked({ indexes, hashes, others }: PackedLines): ReadLine[] {
  const lines: ReadLine[] = []
  let taken = 0
  const fitting = (before: number): void => {
    for (; lines.length < before; taken++) {
      const hash = hashes.slice(taken * digestBytes, (taken + 1) * digestBytes)
      lines.push({ fitting: { index: indexes[taken] as number, hash, erased: null } })
    }
  }
  for (const [before, line] of others) {
    fitting(before)
    lines.push(line)
  }
  fitting(indexes.length + others.length)
  return lines
}

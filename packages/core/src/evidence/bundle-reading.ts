import { createHash } from 'node:crypto'
import type { BundleEnd } from './bundle-line.js'
import type { ReadLine } from './bundle-lines.js'
import type { CheckedRecord, FittingLeaf, LogHead, LogLeaf } from './log-record.js'
import { contentOf, factsOf, isSalt, personalDigest } from './row-content.js'

/** A leaf, held against its row or not. */
type LeafRecord = { readonly leaf: LogLeaf } | { readonly fitting: FittingLeaf }

/** A line that is not what was to come: a leaf with another number, or nothing that can be read. */
type OddLine = { readonly line: number } | { readonly misnumbered: LeafRecord }

/** The lines of a bundle as records: what odd ones are is told by what follows them. */
export class BundleReading {
  readonly #digest = createHash('sha256')
  #lines = 1
  #ended = false
  /** The number that the next leaf should have. */
  #next: number
  /** Whether their number was theirs, and which leaf could not be read. */
  #odd: OddLine[] = []
  #records: CheckedRecord[] = []

  constructor({ from }: LogHead, headLine: Uint8Array) {
    this.#next = from
    this.#digest.update(headLine)
  }

  /** Takes the next lines, and the bytes that they are. */
  take(bytes: Buffer, lines: readonly ReadLine[]): CheckedRecord[] {
    let hashed = 0
    for (const line of lines) {
      if ('end' in line) {
        this.#hash(bytes.subarray(hashed, line.from))
        this.#end(line.end)
        hashed = line.to
      } else this.#line(line)
    }
    this.#hash(bytes.subarray(hashed))
    return this.#taken()
  }

  end(): CheckedRecord[] {
    this.#release()
    const message = 'The bundle has no last line: its end is missing.'
    if (!this.#ended) this.#records.push({ fault: 'truncated', message, unlessExplained: true })
    return this.#taken()
  }

  #taken(): CheckedRecord[] {
    const records = this.#records
    this.#records = []
    return records
  }

  #end({ lines, digest }: BundleEnd): void {
    const message = 'The lines are not those that were written.'
    if (this.#ended || lines !== this.#lines || digest !== this.#digest.digest('base64'))
      this.#records.push({ fault: 'altered', message, unlessExplained: true })
    this.#ended = true
  }

  #hash(bytes: Uint8Array): void {
    if (!this.#ended) this.#digest.update(bytes)
  }

  #line(line: Exclude<ReadLine, { readonly end: BundleEnd }>): void {
    this.#lines++
    if ('unreadable' in line) this.#odd.push({ line: this.#lines })
    else if ('fitting' in line || 'leaf' in line) this.#leaf(line)
    else {
      if ('checkpoint' in line) this.#settle(line.checkpoint.size)
      else this.#release()
      this.#records.push(line)
    }
  }

  #leaf(record: LeafRecord): void {
    const index = indexOf(record)
    this.#settle(index)
    if (index === this.#next) {
      this.#records.push(record)
      this.#next++
    } else this.#odd.push({ misnumbered: record })
  }

  /** What comes after that many leaves tells whether the odd lines before it are the ones that are missing. */
  #settle(leaves: number): void {
    if (this.#odd.length === 0) return
    if (leaves === this.#next + this.#odd.length) this.#renumber()
    else this.#release()
  }

  /** The odd lines are the leaves that are missing here. */
  #renumber(): void {
    for (const odd of this.#odd) {
      const index = this.#next++
      if ('line' in odd) {
        const message = `Line ${odd.line} can not be read.`
        this.#records.push({ fault: 'altered', message, unreadableLeaf: index })
      } else this.#misnumbered(index, odd.misnumbered)
    }
    this.#odd = []
  }

  #misnumbered(index: number, record: LeafRecord): void {
    // One that fits its row by the number that it bears is no other's.
    const leaf = 'leaf' in record && isLeafAt(index, record.leaf) ? record.leaf : null
    if (leaf) {
      const message = `The leaf ${index} bears the number ${leaf.index}.`
      this.#records.push({ fault: 'altered', message, isKnown: true }, { leaf: { ...leaf, index } })
    } else {
      const message = `Leaf ${indexOf(record)} stands in the place of leaf ${index}.`
      this.#records.push({ fault: 'reordered', message, unreadableLeaf: index })
    }
  }

  /** The odd lines as they are. */
  #release(): void {
    for (const odd of this.#odd) {
      if ('line' in odd) this.#records.push({ fault: 'altered', message: `Line ${odd.line} can not be read.` })
      else {
        this.#records.push(odd.misnumbered)
        this.#next = Math.max(this.#next, indexOf(odd.misnumbered) + 1)
      }
    }
    this.#odd = []
  }
}

function indexOf(record: LeafRecord): number {
  return 'fitting' in record ? record.fitting.index : record.leaf.index
}

/** Whether it is this leaf by all but its number; of one without its row nobody knows. */
function isLeafAt(index: number, { row, salt, personal, content }: LogLeaf): boolean {
  if (!row) return true
  try {
    const digest = personal ?? (isSalt(salt) ? personalDigest(row, salt) : null)
    return digest !== null && contentOf(index, digest, factsOf(row)) === content
  } catch {
    return false
  }
}

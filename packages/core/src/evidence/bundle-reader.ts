import { createHash } from 'node:crypto'
import { parseEnd, parseHead, parseRecord } from './bundle-line.js'
import type { LogHead, LogLeaf, LogRecord, LogSource } from './log-record.js'
import { contentOf, factsOf, isSalt, personalDigest } from './row-content.js'

/** A line of a file, where it is in its piece, and whether a newline ended it. */
interface Line {
  readonly text: string
  readonly from: number
  readonly to: number
  readonly isWhole: boolean
}

/** Some lines of a file, and their bytes. */
interface Piece {
  readonly lines: readonly Line[]
  readonly bytes: Buffer
}

/**
 * A bundle as a log to read. It may be damaged in any way: what can't be read is a finding, and no error.
 *
 * @example
 * import { createReadStream } from 'node:fs'
 *
 * const source = await readBundle(createReadStream('trail.jsonl'))
 */
export async function readBundle(chunks: AsyncIterable<Uint8Array>): Promise<LogSource> {
  const pieces = piecesOf(chunks)
  const first = await pieces.next()
  const line = first.done ? undefined : first.value.lines[0]
  const head = line?.isWhole ? parseHead(line.text) : null
  if (first.done || !head) {
    const fault = line?.isWhole ? 'altered' : 'truncated'
    const message = line?.isWhole ? 'The first line is none of a bundle.' : 'The bundle ends in its first line.'
    return { head: nothing, records: () => once([{ fault, message }]) }
  }
  return { head, records: () => recordsOf(head, first.value, pieces) }
}

const nothing: LogHead = { origin: '', from: 0, to: null, left: [], right: [] }

async function* once(records: readonly LogRecord[]): AsyncGenerator<readonly LogRecord[], void, undefined> {
  yield records
}

async function* recordsOf(
  head: LogHead,
  first: Piece,
  rest: AsyncIterable<Piece>,
): AsyncGenerator<readonly LogRecord[], void, undefined> {
  const reading = new BundleReading(head)
  yield reading.take(first, true)
  for await (const piece of rest) yield reading.take(piece, false)
  yield reading.end()
}

/** A line that is not what was to come: a leaf with another number, or nothing that can be read. */
type OddLine = { readonly line: number } | { readonly misnumbered: LogLeaf }

class BundleReading {
  readonly #digest = createHash('sha256')
  #lines = 0
  #ended = false
  /** The number that the next leaf should have. */
  #next: number
  /** What they were is told by what follows them: whether their number was theirs, and which leaf could not be read. */
  #odd: OddLine[] = []

  constructor({ from }: LogHead) {
    this.#next = from
  }

  take({ lines, bytes }: Piece, startsWithHead: boolean): LogRecord[] {
    const records: LogRecord[] = []
    const [first] = startsWithHead ? lines.slice(0, 1) : []
    if (first) this.#lines++
    let from = 0
    for (const line of first ? lines.slice(1) : lines) {
      const end = line.isWhole ? parseEnd(line.text) : null
      if (end) {
        this.#hash(bytes.subarray(from, line.from))
        this.#end(end, records)
        from = line.to
      } else if (line.isWhole) this.#line(line, records)
    }
    this.#hash(bytes.subarray(from))
    return records
  }

  end(): LogRecord[] {
    const records = this.#released()
    const message = 'The bundle has no last line: its end is missing.'
    if (!this.#ended) records.push({ fault: 'truncated', message, unlessExplained: true })
    return records
  }

  #end({ lines, digest }: { readonly lines: unknown; readonly digest: unknown }, records: LogRecord[]): void {
    if (this.#ended || lines !== this.#lines || digest !== this.#digest.digest('base64'))
      records.push({ fault: 'altered', message: 'The lines are not those that were written.', unlessExplained: true })
    this.#ended = true
  }

  #hash(bytes: Uint8Array): void {
    if (!this.#ended) this.#digest.update(bytes)
  }

  #line(line: Line, records: LogRecord[]): void {
    this.#lines++
    const record = parseRecord(line.text)
    if (!record) this.#odd.push({ line: this.#lines })
    else if ('leaf' in record) this.#leaf(record.leaf, records)
    else {
      const isAfterOdd = 'checkpoint' in record && record.checkpoint.size === this.#next + this.#odd.length
      records.push(...(isAfterOdd ? this.#renumbered() : this.#released()), record)
    }
  }

  #leaf(leaf: LogLeaf, records: LogRecord[]): void {
    if (this.#odd.length > 0)
      records.push(...(leaf.index === this.#next + this.#odd.length ? this.#renumbered() : this.#released()))
    if (leaf.index === this.#next) {
      records.push({ leaf })
      this.#next++
    } else this.#odd.push({ misnumbered: leaf })
  }

  /** The odd lines are the leaves that are missing here. */
  #renumbered(): LogRecord[] {
    const records: LogRecord[] = []
    for (const odd of this.#odd) {
      const index = this.#next++
      if ('line' in odd) {
        const message = `Line ${odd.line} can not be read.`
        records.push({ fault: 'altered', message, unreadableLeaf: index })
      } else if (isLeafAt(index, odd.misnumbered)) {
        const message = `The leaf ${index} bears the number ${odd.misnumbered.index}.`
        records.push({ fault: 'altered', message, isKnown: true }, { leaf: { ...odd.misnumbered, index } })
      } else {
        const message = `Leaf ${odd.misnumbered.index} stands in the place of leaf ${index}.`
        records.push({ fault: 'reordered', message, unreadableLeaf: index })
      }
    }
    this.#odd = []
    return records
  }

  /** The odd lines as they are. */
  #released(): LogRecord[] {
    const records: LogRecord[] = []
    for (const odd of this.#odd) {
      if ('line' in odd) records.push({ fault: 'altered', message: `Line ${odd.line} can not be read.` })
      else {
        records.push({ leaf: odd.misnumbered })
        this.#next = Math.max(this.#next, odd.misnumbered.index + 1)
      }
    }
    this.#odd = []
    return records
  }
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

const newline = 0x0a
// No row is near as long, and a file without newlines must not fill the memory.
const longestLine = 16 * 1024 * 1024

async function* piecesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Piece, void, undefined> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    const bytes =
      rest.length > 0 ? Buffer.concat([rest, chunk]) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    const end = bytes.lastIndexOf(newline) + 1
    rest = bytes.subarray(end)
    if (end > 0) yield pieceOf(bytes.subarray(0, end))
    if (rest.length > longestLine) break
  }
  if (rest.length > 0) yield pieceOf(rest)
}

function pieceOf(bytes: Buffer): Piece {
  const lines: Line[] = []
  for (let from = 0; from < bytes.length; ) {
    const found = bytes.indexOf(newline, from)
    const to = found < 0 ? bytes.length : found + 1
    lines.push({ text: bytes.toString('utf8', from, to), from, to, isWhole: found >= 0 })
    from = to
  }
  return { lines, bytes }
}

import { parseHead, parseRecord } from './bundle-line.js'
import { newline, readLines } from './bundle-lines.js'
import { BundleReading } from './bundle-reading.js'
import { inOrder } from './in-order.js'
import type { LeafChecks } from './leaf-checks.js'
import type { CheckedRecord, LogHead, LogRecord, LogSource } from './log-record.js'

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
  if (first.done) return faulty('truncated', 'The bundle ends in its first line.')
  const length = first.value.indexOf(newline) + 1
  const headLine = first.value.subarray(0, length)
  const head = parseHead(headLine.toString())
  if (!head) return faulty('altered', 'The first line is none of a bundle.')
  return new BundleSource(head, headLine, joined(first.value.subarray(length), pieces))
}

function faulty(fault: 'altered' | 'truncated', message: string): LogSource {
  async function* records(): AsyncGenerator<readonly LogRecord[], void, undefined> {
    yield [{ fault, message }]
  }
  return { head: { origin: '', from: 0, to: null, left: [], right: [] }, records }
}

/** A bundle after its first line. */
export class BundleSource implements LogSource {
  readonly head: LogHead
  readonly #headLine: Buffer
  readonly #pieces: AsyncIterable<Buffer>

  constructor(head: LogHead, headLine: Buffer, pieces: AsyncIterable<Buffer>) {
    this.head = head
    this.#headLine = headLine
    this.#pieces = pieces
  }

  async *records(): AsyncGenerator<readonly LogRecord[], void, undefined> {
    const reading = new BundleReading(this.head, this.#headLine)
    const unchecked = (records: readonly CheckedRecord[]) => records as readonly LogRecord[]
    for await (const piece of this.#pieces) yield unchecked(reading.take(piece, readLines(piece, parseRecord)))
    yield unchecked(reading.end())
  }

  /** The same, with each leaf held against its row on the way. */
  async *checked(checks: LeafChecks): AsyncGenerator<readonly CheckedRecord[], void, undefined> {
    const reading = new BundleReading(this.head, this.#headLine)
    const work = async (bytes: Buffer) => ({ bytes, lines: await checks.lines(bytes) })
    const pieces = inOrder(this.#pieces, work, () => checks.atOnce)
    for await (const { bytes, lines } of pieces) yield reading.take(bytes, lines)
    yield reading.end()
  }
}

async function* joined(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  yield first
  yield* rest
}

// No row is near as long, and a file without newlines must not fill the memory.
const longestLine = 16 * 1024 * 1024
// Some sixty leaves: what is done with them at once keeps nobody waiting.
const mostAtOnce = 64 * 1024

/** Whole lines, as many as come together; what no newline ends is none. */
async function* piecesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  let begun: Buffer[] = []
  let length = 0
  for await (const chunk of chunks) {
    for (let from = 0; from < chunk.length; from += mostAtOnce) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).subarray(from, from + mostAtOnce)
      const end = bytes.lastIndexOf(newline) + 1
      if (end > 0) {
        yield Buffer.concat([...begun, bytes.subarray(0, end)])
        begun = []
        length = 0
      }
      // Copied: whose chunk it is may use it again while these bytes are worked on.
      begun.push(Buffer.from(bytes.subarray(end)))
      length += bytes.length - end
      // Whatever comes after it, no line begins so.
      if (length > longestLine) begun = [Buffer.from('-')]
    }
  }
}

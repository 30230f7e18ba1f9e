import { createHash } from 'node:crypto'
import { catalogue } from '../catalogue.js'
import { endLine, headLine, recordLine } from './bundle-line.js'
import type { LogSource } from './log-record.js'

// A text that is longer is no young garbage, and stays until all garbage is looked at.
const linesAtOnce = 50

/**
 * A log, or a part of it, as the text of one file that can be verified anywhere: a line for each leaf with its row,
 * for each checkpoint and for each receipt. It is made piece by piece, as fast as it is taken.
 *
 * @example
 * import { createWriteStream } from 'node:fs'
 * import { Readable } from 'node:stream'
 * import { pipeline } from 'node:stream/promises'
 *
 * const log = auditLog(orm)
 * await pipeline(Readable.from(writeBundle(await log.open())), createWriteStream('trail.jsonl'))
 */
export async function* writeBundle(source: LogSource): AsyncGenerator<string, void, undefined> {
  const digest = createHash('sha256')
  let lines = 0
  const taken = (text: string, count: number): string => {
    digest.update(text)
    lines += count
    return text
  }
  const versions = Object.entries(catalogue).map(([name, { version }]) => [name, version] as const)
  const createdAt = new Date().toISOString()
  yield taken(headLine({ ...source.head, createdAt, catalogue: Object.fromEntries(versions) }), 1)
  for await (const records of source.records()) {
    for (let from = 0; from < records.length; from += linesAtOnce) {
      const written = records
        .slice(from, from + linesAtOnce)
        .map(recordLine)
        .filter((line) => line !== null)
      if (written.length > 0) yield taken(written.join(''), written.length)
    }
  }
  yield endLine(lines, digest.digest('base64'))
}

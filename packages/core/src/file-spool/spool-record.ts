import { crc32 } from 'node:zlib'
import type { AuditRow } from '../row.js'
import { rowFromJson } from '../row-from-json.js'
import { rowToLine } from '../row-json.js'

/** A row as one line that proves itself: its checksum, a space, its JSON, a newline. */
export function recordOf(row: AuditRow): string {
  return `${withChecksum(rowToLine(row))}\n`
}

/** A line, without its newline, that {@link provenText} takes. */
export function withChecksum(text: string): string {
  return `${checksum(text)} ${text}`
}

/** What such a line says; null where a byte of it is not as it was written. */
export function provenText(line: Buffer): string | null {
  const text = line.subarray(9)
  return line[8] === 0x20 && line.toString('latin1', 0, 8) === checksum(text) ? text.toString() : null
}

/** The row of a record without its newline; null where it is damaged. */
export function rowOf(record: Buffer): AuditRow | null {
  const json = provenText(record)
  if (json === null) return null
  try {
    return rowFromJson(JSON.parse(json))
  } catch {
    return null
  }
}

// A quote inside of JSON's texts has a backslash before it: nothing that a row says looks like this.
const beginning = /[0-9a-f]{8} \{"id":"/g

/** A damaged line, cut where records begin in it: a newline that is damaged joins two of them. */
export function recordsIn(line: Buffer): Buffer[] {
  const starts = [...line.toString('latin1').matchAll(beginning)].map(({ index }) => index)
  const bounds = [0, ...starts.filter((start) => start > 0), line.length]
  return bounds.slice(1).map((end, index) => line.subarray(bounds[index], end))
}

function checksum(data: string | Buffer): string {
  return crc32(data).toString(16).padStart(8, '0')
}

import { closeSync, openSync, readSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { AuditRow } from '../row.js'
import { forReading } from './regular-file.js'
import { recordsIn, rowOf } from './spool-record.js'
import type { Stepwise } from './stepwise.js'

/** A file of records, as far as it waits. */
export interface Segment {
  readonly number: number
  readonly path: string
  /** Where what waits begins and ends, in bytes. */
  from: number
  end: number
  /** Records that wait. */
  rows: number
}

/** Bytes of a segment that are no row. */
export interface Damage {
  readonly path: string
  readonly offset: number
  readonly length: number
  /** `torn`: a write that was not finished; `gone`: the file is shorter than it was. */
  readonly kind: 'torn' | 'damaged' | 'gone'
  /** What is there in its place. */
  readonly raw: Buffer
}

/** The next rows of a segment, and where it goes on. */
export interface Reading {
  readonly segment: Segment
  readonly rows: AuditRow[]
  readonly damages: Damage[]
  /** Lines that were read. */
  lines: number
  to: number
}

const newline = 0x0a
const chunk = 256 * 1024
const batchBytes = 1024 * 1024

/** The longest record, in bytes: what is longer was never one. */
export const longestRecord: number = 16 * 1024 * 1024

/** Counts the lines of a file. */
export function* countLines(path: string, from: number): Stepwise<number> {
  const file = openSync(path, forReading)
  const buffer = Buffer.allocUnsafe(chunk)
  let lines = 0
  try {
    for (let at = from, read = 1; read > 0; at += read) {
      read = readSync(file, buffer, 0, chunk, at)
      const bytes = buffer.subarray(0, read)
      for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, end + 1)) lines++
      yield
    }
  } finally {
    closeSync(file)
  }
  return lines
}

/** At most `limit` rows, and about 1 MiB. */
export async function readSegment(segment: Segment, limit: number): Promise<Reading> {
  const { path, from, end } = segment
  const reading: Reading = { segment, rows: [], damages: [], lines: 0, to: from }
  const file = await openIfThere(path)
  try {
    for await (const record of recordsOf(file, from, end)) {
      take(record, reading)
      if (reading.rows.length >= limit || reading.to - from >= batchBytes) return reading
    }
  } finally {
    await file?.close()
  }
  if (reading.to < end) {
    const { to: offset } = reading
    reading.damages.push({ path, offset, length: end - offset, kind: 'gone', raw: Buffer.alloc(0) })
    reading.to = end
  }
  return reading
}

/** A file that somebody removed, or put a link in the place of, reads as one that was cut to nothing. */
async function openIfThere(path: string): Promise<FileHandle | null> {
  return open(path, forReading).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ELOOP') return null
    throw cause
  })
}

interface Line {
  readonly bytes: Buffer
  readonly offset: number
  /** False for a last line without a newline. */
  readonly ended: boolean
}

interface Found {
  readonly row: AuditRow | null
  readonly bytes: Buffer
  readonly offset: number
  /** Where the next one begins. */
  readonly next: number
  readonly endsLine: boolean
}

function take({ row, bytes, offset, next, endsLine }: Found, reading: Reading): void {
  const { path, end } = reading.segment
  reading.to = next
  if (endsLine) reading.lines++
  if (row) reading.rows.push(row)
  else {
    const kind = next === end && !endsLine ? 'torn' : 'damaged'
    reading.damages.push({ path, offset, length: bytes.length, kind, raw: Buffer.from(bytes) })
  }
}

async function* recordsOf(file: FileHandle | null, from: number, end: number): AsyncGenerator<Found> {
  if (!file) return
  for await (const line of linesOf(file, from, end)) {
    const { bytes, offset, ended } = line
    const row = ended ? rowOf(bytes) : null
    if (row) yield { row, bytes, offset, next: offset + bytes.length + 1, endsLine: true }
    else yield* piecesOf(line)
  }
}

function* piecesOf({ bytes: line, offset: start, ended }: Line): Generator<Found> {
  const end = start + line.length
  let offset = start
  for (const bytes of recordsIn(line)) {
    const next = offset + bytes.length
    const endsLine = ended && next === end
    // A write that was not finished is no row, even where nothing but its newline is missing.
    const row = next < end || ended ? rowOf(bytes) : null
    yield { row, bytes, offset, next: endsLine ? next + 1 : next, endsLine }
    offset = next
  }
}

async function* linesOf(file: FileHandle, from: number, end: number): AsyncGenerator<Line> {
  let rest: Buffer = Buffer.alloc(0)
  let offset = from
  for (let at = from; at < end; ) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(chunk, end - at)), { position: at })
    if (bytesRead === 0) break
    at += bytesRead
    const bytes = Buffer.concat([rest, buffer.subarray(0, bytesRead)])
    let start = 0
    for (let stop = bytes.indexOf(newline); stop >= 0; stop = bytes.indexOf(newline, start)) {
      yield { bytes: bytes.subarray(start, stop), offset: offset + start, ended: true }
      start = stop + 1
    }
    if (bytes.length - start > longestRecord) {
      yield { bytes: bytes.subarray(start), offset: offset + start, ended: false }
      start = bytes.length
    }
    rest = bytes.subarray(start)
    offset += start
  }
  if (rest.length > 0) yield { bytes: rest, offset, ended: false }
}

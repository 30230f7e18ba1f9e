import type { RowJson } from '../row-json.js'
import { parseRecord } from './bundle-line.js'
import { type ReadLine, readLines } from './bundle-lines.js'
import { fitOf } from './leaf-fit.js'
import type { CheckedRecord, LogLeaf, LogRecord } from './log-record.js'
import { fittingLine, fittingText } from './written-leaf.js'

/** Leaves to be held against their rows: in whole lines of a bundle, or among other records. */
export type LeafWork = { readonly lines: Uint8Array } | { readonly records: readonly LogRecord[] }

/** Does it, on the thread that it is called on. */
export function worked(work: LeafWork): ReadLine[] {
  if ('records' in work) return work.records.map(checkedRecord)
  const { buffer, byteOffset, length } = work.lines
  return readLines(Buffer.from(buffer, byteOffset, length), checkedLine)
}

function checkedLine(text: string): CheckedRecord | null {
  const fitting = fittingLine(text)
  if (fitting) return { fitting }
  const record = parseRecord(text)
  return record && 'leaf' in record ? checkedLeaf(record.leaf) : record
}

function checkedRecord(record: LogRecord): CheckedRecord {
  if (!('leaf' in record)) return record
  const fitting = fittingText(record.leaf)
  return fitting ? { fitting } : checkedLeaf(withRow(record.leaf))
}

/** What is left to be known of a leaf that fits its row; any other as it is. */
function checkedLeaf(leaf: LogLeaf): CheckedRecord {
  const fit = fitOf(leaf)
  return 'fitting' in fit ? fit : { leaf }
}

/** What came from another thread has its row as a text alone. */
function withRow(leaf: LogLeaf): LogLeaf {
  const { row, rowText } = leaf as Partial<Pick<LogLeaf, 'row'>> & LogLeaf
  if (row !== undefined) return leaf
  return { ...leaf, row: typeof rowText === 'string' ? (JSON.parse(rowText) as RowJson) : null }
}

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
  if ('fitting' in fit) return fit
  return { leaf: isDeep(leaf.row, mostLevels) ? { ...leaf, row: {} as RowJson } : leaf }
}

// No row has near as many, and a value of very many goes to no other thread: that one would end of it.
const mostLevels = 200

function isDeep(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((inner) => isDeep(inner, levels - 1))
}

/** What came from another thread has its row as a text alone. */
function withRow(leaf: LogLeaf): LogLeaf {
  const { row, rowText } = leaf as Partial<Pick<LogLeaf, 'row'>> & LogLeaf
  if (row !== undefined) return leaf
  return { ...leaf, row: typeof rowText === 'string' ? (JSON.parse(rowText) as RowJson) : null }
}

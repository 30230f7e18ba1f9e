import { escapeUnsafe } from '../clean-text.js'
import { isRowId } from '../reader.js'
import type { RowJson } from '../row-json.js'
import { inOrder } from './canonical-json.js'
import type { LogHead, LogLeaf, LogRecord } from './log-record.js'
import { subtreesOf } from './merkle-tree.js'
import { type Digest, fromBase64, toBase64 } from './sha256.js'

// The lines of a bundle, each a JSON object; `docs/bundle.md` describes them.

/** What the first line of a bundle says. */
export interface BundleHead extends LogHead {
  readonly createdAt: string
  /** The version of every event that the exporting system knew. */
  readonly catalogue: Readonly<Record<string, number>>
}

const format = 'bundle/v1'
const headNames: ReadonlySet<string> = new Set([
  ...['countersign', 'origin', 'created_at', 'catalogue', 'from', 'to', 'left', 'right'],
])
const leafNames: ReadonlySet<string> = new Set(['leaf', 'id', 'content', 'row', 'salt', 'personal'])
const checkpointNames: ReadonlySet<string> = new Set(['checkpoint', 'size', 'root'])
const receiptNames: ReadonlySet<string> = new Set(['receipt'])
const strayNames: ReadonlySet<string> = new Set(['stray'])

export function headLine({ origin, from, to, left, right, createdAt, catalogue }: BundleHead): string {
  return lineOf({
    countersign: format,
    origin,
    created_at: createdAt,
    catalogue,
    from,
    to,
    left: left.map(toBase64),
    right: right.map(({ level, hash }) => [level, toBase64(hash)]),
  })
}

/** The first line as it was written; null where it is none of a bundle, or makes no sense. */
export function parseHead(line: string): BundleHead | null {
  const value = objectOf(line)
  if (value?.countersign !== format || !hasOnly(value, headNames)) return null
  const { origin, created_at: createdAt, catalogue, from, to, left, right } = value
  if (typeof origin !== 'string' || typeof createdAt !== 'string' || !isRecord(catalogue)) return null
  if (!isCount(from) || !(to === null || (isCount(to) && to >= from))) return null
  const before = Array.isArray(left) ? left.map(fromBase64) : [null]
  const after = Array.isArray(right) ? right.map(subtreeOf) : [null]
  if (before.includes(null) || after.includes(null) || before.length !== subtreesOf(from)) return null
  return {
    origin,
    createdAt,
    catalogue: catalogue as Record<string, number>,
    ...{ from, to, left: before as Digest[], right: after as LogHead['right'] },
  }
}

/** A record as a line; null for what a bundle does not have. */
export function recordLine(record: LogRecord): string | null {
  if ('leaf' in record) return leafLine(record.leaf)
  if ('checkpoint' in record) {
    const { size, root, note } = record.checkpoint
    return lineOf({ checkpoint: note, size, root: root === null ? null : toBase64(root) })
  }
  if ('receipt' in record || 'stray' in record) return lineOf(record)
  return null
}

function leafLine({ index, rowId, content, row, salt, personal }: LogLeaf): string {
  return lineOf({
    leaf: index,
    id: rowId,
    content: toBase64(content),
    ...(row && { row: rowInOrder(row) }),
    ...(salt && { salt: Buffer.from(salt).toString('base64') }),
    ...(personal && { personal: toBase64(personal) }),
  })
}

/** What a database has in an order of its own would have to be put in order whenever the bundle is verified. */
function rowInOrder(row: RowJson): object {
  const { on_behalf_of, proxies, device, details } = row
  return {
    ...row,
    on_behalf_of: inOrder(on_behalf_of),
    proxies: inOrder(proxies),
    device: inOrder(device),
    details: inOrder(details),
  }
}

/** The last line: how many there are before it, and the SHA-256 of them. It tells of accidents; checkpoints tell of the rest. */
export function endLine(lines: number, digest: string): string {
  return lineOf({ end: lines, sha256: digest })
}

/** What the last line says of those before it. */
export interface BundleEnd {
  readonly lines: number
  readonly digest: string
}

export function parseEnd(line: string): BundleEnd | null {
  const { end: lines, sha256: digest, ...rest } = objectOf(line) ?? {}
  if (!isCount(lines) || fromBase64(digest) === null || Object.keys(rest).length > 0) return null
  return { lines, digest: digest as string }
}

/** The record of a line; null where it is none. */
export function parseRecord(line: string): LogRecord | null {
  const value = objectOf(line)
  if (!value) return null
  if ('leaf' in value) return leafRecord(value)
  if ('checkpoint' in value) return checkpointRecord(value)
  const { receipt, stray } = value
  if (typeof receipt === 'string' && hasOnly(value, receiptNames)) return { receipt }
  return typeof stray === 'string' && hasOnly(value, strayNames) ? { stray } : null
}

function leafRecord(value: Record<string, unknown>): LogRecord | null {
  const { leaf: index, id, content, row = null, salt, personal } = value
  const digest = fromBase64(content)
  const erased = personal === undefined ? null : fromBase64(personal)
  const salted = saltOf(salt)
  if (!hasOnly(value, leafNames) || !isCount(index) || !isRowId(id) || digest === null) return null
  if ((personal !== undefined && erased === null) || !(row === null || isRecord(row))) return null
  if (salt !== undefined && salted === null) return null
  return {
    leaf: { index, rowId: id, content: digest, row: row as RowJson | null, salt: salted, personal: erased },
  }
}

// 16 bytes; the last of 22 characters has four bits that mean nothing, and must be zero.
const saltForm = /^[A-Za-z0-9+/]{21}[AQgw]==$/

export function saltOf(text: unknown): Uint8Array | null {
  return typeof text === 'string' && saltForm.test(text) ? Buffer.from(text, 'base64') : null
}

function checkpointRecord(value: Record<string, unknown>): LogRecord | null {
  const { checkpoint: note, size, root } = value
  const digest = fromBase64(root)
  if (!hasOnly(value, checkpointNames) || typeof note !== 'string' || !isCount(size) || digest === null) return null
  return { checkpoint: { note, size, root: digest } }
}

function subtreeOf(value: unknown): { level: number; hash: Digest } | null {
  const [level, text] = Array.isArray(value) && value.length === 2 ? value : []
  const hash = fromBase64(text)
  return isCount(level) && level < 53 && hash !== null ? { level, hash } : null
}

/** Whatever is in its texts, nothing in a line can end it, or act on the terminal that shows it. */
function lineOf(value: object): string {
  return `${escapeUnsafe(JSON.stringify(value))}\n`
}

function objectOf(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line)
    return isRecord(value) ? value : null
  } catch {
    return null
  }
}

function hasOnly(value: Record<string, unknown>, names: ReadonlySet<string>): boolean {
  for (const name in value) if (!names.has(name)) return false
  return true
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

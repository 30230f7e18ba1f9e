import { isRowId } from '../reader.js'
import { canonicalJson } from './canonical-json.js'
import { isKeyName, type NoteSigner } from './note-key.js'
import { type ParsedNote, parseNote, signNote } from './signed-note.js'

/** What every receipt says. */
interface Receipted {
  readonly id: string
  /** ISO 8601. */
  readonly at: string
  /** How many leaves the log held: which key may sign the receipt follows from it. */
  readonly size: number
}

/** From this size on the log is signed by this key. The first one begins a log; a later one is signed by both keys. */
export interface KeyReceipt extends Receipted {
  readonly kind: 'key'
  readonly key: string
  /** The key before it; null for the first one. Without it anybody could put a beginning of his own before a key. */
  readonly previous: string | null
}

/** The personal fields of these rows were erased. */
export interface ErasureReceipt extends Receipted {
  readonly kind: 'erasure'
  readonly rows: number
  /** Rows that a legal hold kept from it. */
  readonly held: number
  /** Rows with an id below this one, and no others. */
  readonly before: string
  /** Of this actor or subject; null for all rows that are old enough. */
  readonly subject: { readonly type: string; readonly id: string } | null
  /** Rows that say by none of their facts whom they concern. */
  readonly row_ids: readonly string[]
}

/** The rows of a partition were taken away; their leaves stay. */
export interface RetentionReceipt extends Receipted {
  readonly kind: 'retention'
  readonly rows: number
  readonly partition: string
  /** The first id that the partition could hold, and the first that it could not. */
  readonly from: string
  readonly to: string
  /** The last checkpoint before they went. */
  readonly checkpoint: string
}

export type Receipt = KeyReceipt | ErasureReceipt | RetentionReceipt

/** A receipt as a note, taken apart. */
export interface ParsedReceipt {
  readonly origin: string
  readonly receipt: Receipt
  readonly note: ParsedNote
}

/** The same of a receipt that names a key. */
export interface ParsedKeyReceipt extends ParsedReceipt {
  readonly receipt: KeyReceipt
}

// No log has it for its origin: so a receipt is never taken for a checkpoint, nor the reverse.
const firstLine = 'countersign-receipt/v1'

/** A receipt as a signed note: a first line that no checkpoint has, the origin, and its JSON in one line. */
export function signReceipt(origin: string, receipt: Receipt, ...signers: NoteSigner[]): string {
  return signNote(`${firstLine}\n${origin}\n${canonicalJson(receipt)}\n`, ...signers)
}

/** Takes a receipt apart, without believing it; null where it is none. */
export function parseReceipt(text: string): ParsedReceipt | null {
  const note = parseNote(text)
  if (!note) return null
  const [first, origin = '', json = '', rest, ...more] = note.text.split('\n')
  if (first !== firstLine || rest !== '' || more.length > 0) return null
  const receipt = jsonOf(json)
  return receipt !== null && isReceipt(receipt) ? { origin, receipt, note } : null
}

/** True for what can be the origin of a log: its name, which is also that of its key. */
export function isOrigin(origin: unknown): origin is string {
  return isKeyName(origin) && origin !== firstLine
}

export function isKeyReceipt(parsed: ParsedReceipt): parsed is ParsedKeyReceipt {
  return parsed.receipt.kind === 'key'
}

function jsonOf(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

function isReceipt(value: Record<string, unknown>): value is Record<string, unknown> & Receipt {
  const { kind, id, at, size } = value
  if (!isRowId(id) || !isText(at) || !isCount(size)) return false
  if (kind === 'key') return isText(value.key) && (value.previous === null || isText(value.previous))
  if (kind === 'retention') return isRetention(value)
  return kind === 'erasure' && isErasure(value)
}

function isRetention({ rows, partition, from, to, checkpoint }: Record<string, unknown>): boolean {
  return isCount(rows) && isText(partition) && isText(from) && isText(to) && isText(checkpoint)
}

function isErasure({ rows, held, before, subject, row_ids: ids }: Record<string, unknown>): boolean {
  const { type, id } = (subject ?? {}) as Record<string, unknown>
  const isWhose = subject === null || (isText(type) && isText(id))
  return isWhose && isCount(rows) && isCount(held) && isText(before) && Array.isArray(ids) && ids.every(isText)
}

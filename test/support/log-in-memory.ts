import { createHash } from 'node:crypto'
import { type AuditRow, type RowJson, rowId, rowToJson } from '@countersign/core'
import {
  CompactTree,
  contentOf,
  factsOf,
  type LogLeaf,
  type LogRecord,
  type LogSource,
  leafOf,
  newSigningKey,
  noteSigner,
  personalDigest,
  type Receipt,
  signCheckpoint,
  signReceipt,
  writeBundle,
} from '@countersign/core/evidence'

/** How a log is made: how many leaves there are to a checkpoint, and which rows were erased or taken away since. */
export interface LogShape {
  readonly perCheckpoint: number
  readonly isErased?: (index: number) => boolean
  readonly isRemoved?: (index: number) => boolean
}

const signer = noteSigner(newSigningKey('memory.example.org/audit'))

/** A log without a database, with a receipt for everything that is not as it was. */
export function logInMemory(rows: readonly AuditRow[], shape: LogShape): LogSource {
  const { name: origin } = signer.verifier
  const { perCheckpoint, isErased = () => false, isRemoved = () => false } = shape
  const tree = new CompactTree()
  const records: LogRecord[] = []
  const receipts: Receipt[] = [{ ...receiptHead(0), kind: 'key', key: signer.verifier.text, previous: null }]
  const erased: string[] = []
  let previous = 0
  for (const [index, row] of rows.entries()) {
    const leaf = leafAt(index, row)
    tree.append(leafOf(leaf.rowId, leaf.content))
    if (isRemoved(index)) receipts.push(retentionOf(row.id, rows.length))
    if (isErased(index)) erased.push(row.id)
    records.push({ leaf: isRemoved(index) ? withoutRow(leaf) : isErased(index) ? withoutPerson(leaf) : leaf })
    const size = index + 1
    if (size % perCheckpoint !== 0 && size < rows.length) continue
    const root = tree.root()
    records.push({ checkpoint: { size, root, note: signCheckpoint({ origin, size, root, previous }, signer) } })
    previous = size
  }
  const before = '00000000-0000-0000-0000-000000000000'
  const counts = { rows: erased.length, held: 0 }
  if (erased.length > 0)
    receipts.push({ ...receiptHead(rows.length), kind: 'erasure', ...counts, before, subject: null, row_ids: erased })
  const notes = receipts.map((receipt) => ({ receipt: signReceipt(origin, receipt, signer) }))
  return {
    head: { origin, from: 0, to: null, left: [], right: [] },
    async *records() {
      yield [...notes, ...records]
    },
  }
}

/** The same as the file of a bundle. */
export async function bundleInMemory(rows: readonly AuditRow[], shape: LogShape): Promise<string> {
  let text = ''
  for await (const piece of writeBundle(logInMemory(rows, shape))) text += piece
  return text
}

/** The lines of a bundle with a last line that fits them, whatever was done to them. */
export function endedAnew(lines: readonly string[]): string {
  const text = lines.map((line) => `${line}\n`).join('')
  const sha256 = createHash('sha256').update(text).digest('base64')
  return `${text}${JSON.stringify({ end: lines.length, sha256 })}\n`
}

function leafAt(index: number, row: AuditRow): LogLeaf & { readonly row: RowJson } {
  const json = JSON.parse(JSON.stringify(rowToJson(row))) as RowJson
  const salt = createHash('sha256').update(`salt ${index}`).digest().subarray(0, 16)
  const content = contentOf(index, personalDigest(json, salt), factsOf(json))
  return { index, rowId: row.id, content, row: json, salt, personal: null }
}

const withoutRow = (leaf: LogLeaf): LogLeaf => ({ ...leaf, row: null, salt: null })

function withoutPerson({ row, salt, ...leaf }: ReturnType<typeof leafAt>): LogLeaf {
  const { label: _, ...actor } = row.actor
  const gone = { on_behalf_of: null, attempted: null, session_id: null, address: null, proxies: null }
  const left = { user_agent: null, device: null, details: {}, erased_at: '2026-01-01T00:00:00.000Z' }
  const personal = personalDigest(row, salt as Uint8Array)
  return { ...leaf, row: { ...row, actor, ...gone, ...left } as RowJson, salt: null, personal }
}

const receiptHead = (size: number) => ({ id: rowId(), at: new Date().toISOString(), size })

function retentionOf(id: string, size: number): Receipt {
  return { ...receiptHead(size), kind: 'retention', rows: 1, partition: 'p', from: id, to: `${id}~`, checkpoint: '' }
}

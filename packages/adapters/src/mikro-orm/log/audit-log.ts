import { AuditError, isRowId, type RowJson } from '@countersign/core'
import {
  type CheckpointText,
  consistencyProof,
  type Digest,
  inclusionProof,
  type LogSource,
  parseCheckpoint,
  toBase64,
} from '@countersign/core/evidence'
import type { MikroORM } from '@mikro-orm/core'
import { type SqlClient, sqlClient } from '../sql-client.js'
import { withinRows } from './holds.js'
import { type StoredRow, storedRowColumns } from './log-leaves.js'
import { type LogRange, openLog } from './log-reader.js'
import { subtreeReader } from './stored-tree.js'

/** A checkpoint of the log, and the note that says so. */
export interface KeptCheckpoint extends CheckpointText {
  readonly note: string
}

/** That a row is in the log, as JSON that can be checked without it: see `docs/bundle.md`. */
export interface RowProof {
  readonly countersign: 'proof/v1'
  readonly origin: string
  readonly checkpoint: string
  readonly receipts: readonly string[]
  readonly leaf: {
    readonly leaf: number
    readonly id: string
    readonly content: string
    readonly row?: RowJson
    readonly salt?: string
    readonly personal?: string
  }
  readonly inclusion: readonly string[]
}

/** The log over an audit store, to be read. */
export interface AuditLog {
  /** The log, or a part of it, to verify with `verifyLog` or to export with `writeBundle`. */
  open(range?: LogRange): Promise<LogSource>
  /** The part of the log that holds all rows of these moments, and some around them. */
  rangeOf(from: Date, to: Date): Promise<LogRange>
  /** The last checkpoint; null where there is none yet. */
  checkpoint(): Promise<KeptCheckpoint | null>
  /** The proof of a row at the last checkpoint; null where the row is not in the log, or not yet. */
  proof(rowId: string): Promise<RowProof | null>
  /**
   * Shows that the log of `second` leaves begins with that of `first`.
   *
   * @throws AuditError `QUERY_INVALID` where the log is not that long
   */
  consistency(first: number, second: number): Promise<Digest[]>
  close(): Promise<void>
}

/**
 * Reads the log of an audit store.
 *
 * @example
 * const log = auditLog(orm)
 * const report = await verifyLog(await log.open())
 */
export function auditLog(orm: MikroORM): AuditLog {
  const client = sqlClient(orm, 2)
  return {
    open: (range) => openLog(client, range),
    rangeOf: (from, to) => rangeOf(client, from, to),
    checkpoint: () => lastCheckpoint(client),
    proof: (rowId) => proofOf(client, rowId),
    async consistency(first, second) {
      const last = await lastCheckpoint(client)
      if (!(first >= 0 && first <= second && second <= (last?.size ?? 0))) {
        throw new AuditError('QUERY_INVALID', `The log has ${last?.size ?? 0} leaves; ask for two sizes up to that.`)
      }
      return consistencyProof(first, second, subtreeReader(client))
    },
    close: () => client.close(),
  }
}

async function lastCheckpoint(client: SqlClient): Promise<KeptCheckpoint | null> {
  const [last] = await client.query<{ note: string }>(
    'select note from audit_checkpoint order by tree_size desc limit 1',
    [],
  )
  const parsed = last && parseCheckpoint(last.note)
  return parsed ? { ...parsed, note: last.note } : null
}

async function rangeOf(client: SqlClient, from: Date, to: Date): Promise<LogRange> {
  const [found] = await client.query<{ first: string | null; last: string | null }>(
    `select min(l.leaf_index)::text as first, max(l.leaf_index)::text as last
    from audit_leaf l where l.row_id >= audit_first_id($1) and l.row_id < audit_first_id($2)`,
    [withinRows(from), withinRows(to)],
  )
  if (!found || found.first === null || found.last === null) return { from: 0, to: 0 }
  return { from: Number(found.first), to: Number(found.last) + 1 }
}

interface ProvenRow extends StoredRow {
  readonly index: string
  readonly content: string
}

async function proofOf(client: SqlClient, rowId: string): Promise<RowProof | null> {
  const checkpoint = await lastCheckpoint(client)
  if (!checkpoint || !isRowId(rowId)) return null
  const [found] = await client.query<ProvenRow>(
    `select l.leaf_index::text as index, encode(l.content, 'base64') as content, ${storedRowColumns}
    from audit_leaf l join audit_event e on e.id = l.row_id where l.row_id = $1`,
    [rowId],
  )
  if (!found || Number(found.index) >= checkpoint.size) return null
  const index = Number(found.index)
  const inclusion = await inclusionProof({ index, size: checkpoint.size }, subtreeReader(client))
  const receipts = await client.query<{ note: string }>('select note from audit_receipt order by tree_size, id', [])
  return {
    countersign: 'proof/v1',
    origin: checkpoint.origin,
    checkpoint: checkpoint.note,
    receipts: receipts.map(({ note }) => note),
    leaf: {
      leaf: index,
      id: rowId,
      content: found.content,
      row: JSON.parse(found.row as string) as RowJson,
      ...(found.salt && { salt: base64OfHex(found.salt) }),
      ...(found.personal && { personal: base64OfHex(found.personal) }),
    },
    inclusion: inclusion.map(toBase64),
  }
}

function base64OfHex(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64')
}

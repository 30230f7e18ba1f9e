import type { RowJson } from '@countersign/core'
import { contentOf, type Digest, factsOf, isSalt, personalDigest } from '@countersign/core/evidence'
import { rowJsonColumn } from './row-json-column.js'

/** A row with what its leaf is made of, as the database gives it. */
export interface StoredRow {
  readonly row: string | null
  /** Hexadecimal digits; null where the row is erased. */
  readonly salt: string | null
  readonly personal: string | null
}

/** The select list of a {@link StoredRow}, of a row `e` of `audit_event`. */
export const storedRowColumns: string = `${rowJsonColumn} as row, encode(e.salt, 'hex') as salt,
  case when e.erased_at is not null then (select encode(personal, 'hex') from audit_erased where row_id = e.id) end
  as personal`

/** A digest as `encode(…, 'hex')` gives it. */
export function digestOfHex(hex: string): Digest
export function digestOfHex(hex: string | null): Digest | null
export function digestOfHex(hex: string | null): Digest | null {
  return hex === null ? null : Buffer.from(hex, 'hex').toString('latin1')
}

/** A digest as `copy` takes it. */
export function copyBytes(digest: Digest): string {
  return `\\\\x${Buffer.from(digest, 'latin1').toString('hex')}`
}

// No row has it: whoever takes the salt from a row before it has its leaf does not stop the log, and is found out.
const noPersonal: Digest = '\0'.repeat(32)

/** What the leaf of a row says at that index. */
export function contentOfRow(index: number, { row, ...parts }: StoredRow): Digest {
  return contentOfParts(index, JSON.parse(row as string) as RowJson, parts)
}

/** The same of a row that was taken apart. */
export function contentOfParts(index: number, row: RowJson, { salt, personal }: Omit<StoredRow, 'row'>): Digest {
  return contentOf(index, digestOfHex(personal) ?? personalOf(row, salt) ?? noPersonal, factsOf(row))
}

/** The digest of the personal fields of a row that has them. */
export function personalOf(row: RowJson, hex: string | null): Digest | null {
  const salt = hex === null ? null : Buffer.from(hex, 'hex')
  return isSalt(salt) ? personalDigest(row, salt) : null
}

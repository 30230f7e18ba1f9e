import type { AuditError } from './audit-error.js'
import type { AuditRow } from './row.js'

/** How much a spool holds. */
export interface SpoolSize {
  readonly rows: number
  readonly bytes: number
}

/** The oldest rows of a spool, in the order in which they were appended. */
export interface SpoolBatch {
  readonly rows: readonly AuditRow[]
  /** Takes them out of the spool. Without it they come again. */
  done(): Promise<void>
}

/**
 * Where rows wait, safe from a crash, while the store is away or nobody is to wait for it. One
 * process writes to it.
 */
export interface AuditSpool {
  readonly name: string
  readonly size: SpoolSize
  /**
   * Resolves when the rows are on the disk; rejects with `SPOOL_FULL` at its bound and `SPOOL_FAILED`
   * where the disk fails, and then none of them is in the spool.
   */
  append(rows: readonly AuditRow[]): Promise<void>
  /** The next rows to replay, at most `limit`; null when there are none. One batch is out at a time. */
  next(limit: number): Promise<SpoolBatch | null>
  /** Keeps a row that the store will never take where a person can find it. */
  setAside(row: AuditRow, cause: unknown): Promise<void>
  /** Tells of what was found damaged: `SPOOL_DAMAGED`. There is one listener. */
  onFault?(listener: (fault: AuditError) => void): void
  /** Waits for what is under way; rows that are left wait for the next process. */
  close(): Promise<void>
}

/** True for what has all that a spool needs. */
export function isSpool(value: unknown): value is AuditSpool {
  const { append, next, setAside, close, size } = (value ?? {}) as Partial<AuditSpool>
  const hasSize = typeof size?.rows === 'number' && typeof size.bytes === 'number'
  return hasSize && [append, next, setAside, close].every((method) => typeof method === 'function')
}

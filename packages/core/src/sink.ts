import type { AuditError } from './audit-error.js'
import type { FloodLedger } from './flood-ledger.js'
import type { AuditRow } from './row.js'

/**
 * Where rows go. `write` resolves when every row is as safe as the sink can make it, and rejects
 * otherwise: with `ROW_REFUSED` where the row itself is at fault and would be refused again, with
 * anything else where the store is. The same row (by id) written twice counts once.
 */
export interface AuditSink {
  readonly name: string
  write(rows: readonly AuditRow[]): Promise<void>
  /** Runs code and rows in one transaction of the store; what policies with `delivery: 'joined'` need. */
  readonly transaction?: SinkTransaction
  /** Counts repeated denials in the store, where a flood of them outlives the process. */
  readonly ledger?: FloodLedger
  /** Rows that wait for the store now. */
  readonly waiting?: number
  /** Tells of every write to the store, for metrics; there is one listener. */
  onBatch?(listener: BatchListener): void
  /**
   * True where waiting for a write would be waiting for oneself: the caller holds a transaction on
   * the only connection. The rows are then stored when it has ended, and nobody waits for them.
   */
  waitsForCaller?(): boolean
  /** Waits for what is under way, and releases what the sink itself opened; then rows are refused. */
  close?(): Promise<void>
}

/** Told of a write that succeeded: how many rows were in it, and how many seconds it took. */
export type BatchListener = (rows: number, seconds: number) => void

/** Transactions of the store that rows and changes share: both are there afterwards, or neither. */
export interface SinkTransaction {
  /** True when the caller is inside a transaction of this store, whoever opened it. */
  isOpen(): boolean
  /**
   * Writes rows in the transaction that is open. Where they can't be written it rejects with an
   * `AuditError`; what the transaction has to finish before them rejects as it is.
   */
  write(rows: readonly AuditRow[]): Promise<void>
  /**
   * Opens a transaction around `run`, nested where one is open already; commits when it resolves,
   * rolls back when it rejects. What rejects is passed on as it was.
   */
  run<Result>(run: () => Promise<Result>): Promise<Result>
  /**
   * Tells once what became of what is done in the transaction that is open: true after the commit
   * of the outermost one, false as soon as it, or a savepoint around the call, is rolled back.
   *
   * @throws AuditError `SETTING_INVALID` where none is open
   */
  onEnd?(listener: (committed: boolean) => void): void
  /**
   * Tells, with `TRANSACTION_ESCAPED`, of each transaction that is begun inside `run` and beside
   * its own: what is done there is not undone with the rest.
   */
  onEscape?(listener: (error: AuditError) => void): void
}

/** True for what can be written to. */
export function isSink(value: unknown): value is AuditSink {
  return typeof (value as Partial<AuditSink> | null | undefined)?.write === 'function'
}

import type { AuditRow } from './row.js'

/**
 * Where rows go. `write` resolves when every row is as safe as the sink can make it, and rejects
 * otherwise; the same row (by id) written twice counts once.
 */
export interface AuditSink {
  readonly name: string
  write(rows: readonly AuditRow[]): Promise<void>
  /**
   * True where waiting for a write would be waiting for oneself: the caller holds a transaction on
   * the only connection. The rows are then stored when it has ended, and nobody waits for them.
   */
  waitsForCaller?(): boolean
  /** Waits for what is under way, and releases what the sink itself opened; then rows are refused. */
  close?(): Promise<void>
}

/** True for what can be written to. */
export function isSink(value: unknown): value is AuditSink {
  return typeof (value as Partial<AuditSink> | null | undefined)?.write === 'function'
}

import type { AuditRow } from './row.js'

/** What can be read of a trail at any moment. */
export interface TrailGauges {
  /** Rows that wait for the store in the process. */
  readonly waiting: number
  /** Rows and bytes that wait in the spool; 0 without one. */
  readonly spooledRows: number
  readonly spooledBytes: number
  /** Whether the store answers. */
  readonly reachable: boolean
  /** Denials that were counted and have no summary row yet. */
  readonly collapsed: number
}

/**
 * What a trail tells of itself while it works. It is told in the middle of a request: it counts,
 * and does nothing else. What throws is reported once, as a fault.
 */
export interface AuditMetrics {
  /** A row is safe, this many seconds after its attempt was closed. */
  stored(row: AuditRow, where: 'store' | 'spool', seconds: number): void
  lost(row: AuditRow): void
  /** The sink wrote a batch. */
  batch(rows: number, seconds: number): void
  /** Given once, when the trail is made: where to read the gauges when somebody asks. */
  gauges(read: () => TrailGauges): void
}

import type { AuditRow } from './row.js'

/** A flood that a process counts: the summary row that it becomes, with what was counted so far. */
export interface FloodTally {
  /** Its `repeatCount`, `firstAt` and `lastAt` are set; the count is a total, so that writing it twice counts once. */
  readonly row: AuditRow
  /** When the window closes. */
  readonly closesAt: Date
}

/**
 * Keeps the counts of floods in the store while their windows are open, so that they outlive the
 * process. A flood is known by the id of its row. Like a sink, a ledger gives up on a store that
 * does not answer, and rejects.
 */
export interface FloodLedger {
  /** Stores totals; a flood that is there already gets the larger one. */
  put(tallies: readonly FloodTally[]): Promise<void>
  /**
   * Turns floods into rows, each with the larger of the stored and the given total, and forgets
   * them, in one transaction. Answers with what the store's rows now say, by id: a flood that
   * somebody else had closed keeps the count that it was closed with.
   */
  close(tallies: readonly FloodTally[]): Promise<ReadonlyMap<string, number>>
  /** Turns the floods whose window closed before that moment into rows, whoever counted them, and answers with the rows. */
  closeAbandoned(before: Date): Promise<AuditRow[]>
}

import { AuditError } from './audit-error.js'
import { isSnakeCase, type Outcome, outcomes } from './events.js'
import type { AuditRow } from './row.js'

/** What to look for; filters are joined by "and". Newest first. */
export interface AuditQuery {
  readonly event?: string
  readonly outcome?: Outcome
  readonly actorId?: string
  readonly subjectId?: string
  /** Rows that this user made or that were made against this user's account. */
  readonly concerning?: string
  /** The hash of a submitted identifier, from `trail.identifierHash(identifier)`. */
  readonly attemptedHash?: string
  readonly address?: string
  readonly requestId?: string
  /** From this moment on, inclusive. */
  readonly from?: Date
  /** Up to this moment, exclusive. */
  readonly to?: Date
  /** 1 to 500 rows; 50 unless told. */
  readonly limit?: number
  /** The `nextCursor` of the page before. */
  readonly cursor?: string
}

/** A page of rows; `nextCursor` is null on the last one. */
export interface AuditPage {
  readonly items: AuditRow[]
  readonly nextCursor: string | null
}

/** How rows come back. */
export interface AuditReader {
  find(query: AuditQuery): Promise<AuditPage>
  get(id: string): Promise<AuditRow | null>
}

const uuidv7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** True for an id as rows bear it. */
export function isRowId(id: unknown): id is string {
  return typeof id === 'string' && uuidv7.test(id)
}

/**
 * What every reader checks before it looks: returns the page size.
 * @throws AuditError `QUERY_INVALID` or `CURSOR_INVALID`
 */
export function checkQuery(query: AuditQuery): number {
  const { limit = 50, cursor, outcome, event, from, to } = query
  if (!Number.isInteger(limit) || limit < 1 || limit > 500) {
    throw new AuditError('QUERY_INVALID', 'limit must be a whole number from 1 to 500.')
  }
  if (outcome !== undefined && !outcomes.includes(outcome)) {
    throw new AuditError('QUERY_INVALID', "outcome must be 'success', 'failure' or 'denied'.")
  }
  if (event !== undefined && !isSnakeCase(event)) {
    throw new AuditError('QUERY_INVALID', 'event must be the name of an event, in snake_case.')
  }
  for (const [name, date] of Object.entries({ from, to })) {
    if (date !== undefined && !(date instanceof Date && isStorable(date))) {
      throw new AuditError('QUERY_INVALID', `${name} must be a date between the years 1970 and 9999.`)
    }
  }
  if (cursor !== undefined && !isRowId(cursor)) {
    throw new AuditError('CURSOR_INVALID', 'cursor is not one of this trail. Start again without it.')
  }
  return limit
}

function isStorable(date: Date): boolean {
  const time = date.getTime()
  return time >= 0 && time < 253_402_300_800_000
}

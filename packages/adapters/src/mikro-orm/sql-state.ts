/** The SQLSTATE of an error that the database answered with; empty for any other. */
function sqlState(cause: unknown): string {
  const { code } = (cause ?? {}) as { code?: unknown }
  return typeof code === 'string' ? code : ''
}

/** True where the statement was refused for what it is, so that the connection is as good as before. */
export function isRefusal(cause: unknown): boolean {
  return /^(0A|22|23|42)...$/.test(sqlState(cause))
}

/** Data exceptions (22) and constraint violations (23) are a row's own; anything else is the store's. */
export function isRowFault(cause: unknown): boolean {
  return /^2[23]...$/.test(sqlState(cause))
}

/** A row without a partition breaks a check as one that breaks a rule does, but none that has a name. */
export function isMissingPartition(cause: unknown): boolean {
  return sqlState(cause) === '23514' && !(cause as { constraint?: unknown }).constraint
}

/** True where another transaction was quicker: what a `repeatable read` saw has changed since. */
export function isLostRace(cause: unknown): boolean {
  return /^40(?:001|P01)$/.test(sqlState(cause))
}

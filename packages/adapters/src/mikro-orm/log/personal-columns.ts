/** The columns of `audit_event` that are emptied when a row is erased, with its salt. */
export const personalColumns = [
  'actor_label',
  'on_behalf_of',
  'attempted_hash',
  'attempted_masked',
  'session_id',
  'address',
  'proxy_chain',
  'user_agent',
  'device',
  'details',
] as const

/** Empties them, in an update of `audit_event`. */
export const eraseAssignments: string = [
  ...personalColumns.map((column) => `${column} = ${column === 'details' ? `'{}'` : 'null'}`),
  'salt = null',
  'erased_at = now()',
].join(', ')

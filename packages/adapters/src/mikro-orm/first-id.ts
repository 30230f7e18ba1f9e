// 48 bits of milliseconds from 1970 on. A moment before would have the id of one long after all others: what is older
// than that is nothing, and not everything.
const milliseconds = 'greatest(0, least(281474976710655, floor(extract(epoch from moment) * 1000)::bigint))'

/** The first id that a row of a moment could have, also of moments that no row could be of. */
export const firstIdSchema: readonly string[] = [
  `create or replace function audit_first_id(moment timestamptz) returns uuid language sql immutable as $$
    select (lpad(to_hex(${milliseconds}), 12, '0') || repeat('0', 20))::uuid
  $$`,
]

import { humanized } from './dom.js'
import { auditRow, pagedList } from './rows.js'
import { viewOf } from './views.js'

/** The rows of everybody, for administrators. */
export const section = {
  name: 'trail',
  load: pagedList(
    viewOf('trail'),
    (cursor) => `/api/audit/events?limit=50${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
    (item) => auditRow(item, whose(item)),
  ),
}

function whose({ actor, attempted, details }) {
  const name = actor?.label ?? actor?.id ?? actor?.type ?? 'anonymous'
  const whom = attempted ? `${name}, as ${attempted.masked}` : name
  return details?.action ? `${humanized(details.action)} by ${whom}` : whom
}

import { auditRow, pagedList } from './rows.js'
import { viewOf } from './views.js'

/** The rows that concern one's own account. */
export const section = {
  name: 'history',
  load: pagedList(
    viewOf('history'),
    (cursor) => `login-history?limit=20${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
    (item) => auditRow(item),
  ),
}

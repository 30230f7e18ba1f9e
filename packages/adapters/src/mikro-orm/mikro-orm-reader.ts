import {
  type AuditPage,
  type AuditQuery,
  type AuditReader,
  type AuditRow,
  checkQuery,
  isRowId,
} from '@countersign/core'
import type { MikroORM } from '@mikro-orm/core'
import { pageStatement } from './page-statement.js'
import { decodeRow, isInet, selectList } from './row-columns.js'
import { sqlClient } from './sql-client.js'

/**
 * Reads rows back, newest first, page by page. Every filter is served by an index, and so is an event with an
 * outcome; of other filters together the narrowest is, and the rest looks at its rows. A time range is served by
 * the partitions it falls into.
 *
 * @example
 * const { items, nextCursor } = await mikroOrmReader(orm).find({ event: 'login', outcome: 'failure' })
 */
export function mikroOrmReader(orm: MikroORM): AuditReader & { close(): Promise<void> } {
  const client = sqlClient(orm, 2)
  return {
    async find(query): Promise<AuditPage> {
      const limit = checkQuery(query)
      if (isUnanswerable(query)) return { items: [], nextCursor: null }
      const { text, values, name } = pageStatement(query, limit + 1)
      const found = (await client.query<Record<string, unknown>>(text, values, name)).map(decodeRow)
      found.sort((a, b) => (a.id < b.id ? 1 : -1))
      const items = found.slice(0, limit)
      return { items, nextCursor: found.length > limit ? (items.at(-1)?.id ?? null) : null }
    },
    async get(id): Promise<AuditRow | null> {
      if (!isRowId(id)) return null
      const [record] = await client.query<Record<string, unknown>>(
        `select ${selectList} from audit_event where id = $1`,
        [id],
      )
      return record ? decodeRow(record) : null
    },
    close: () => client.close(),
  }
}

/** What no stored row can be equal to, and PostgreSQL would refuse to compare. */
function isUnanswerable({ actorId, subjectId, concerning, attemptedHash, requestId, address }: AuditQuery): boolean {
  if (address !== undefined && !isInet(address)) return true
  return [actorId, subjectId, concerning, attemptedHash, requestId].some((text) => text?.includes('\u0000'))
}

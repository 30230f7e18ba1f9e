import {
  type AuditPage,
  type AuditQuery,
  type AuditReader,
  type AuditRow,
  checkQuery,
  isRowId,
} from '@countersign/core'
import type { MikroORM } from '@mikro-orm/core'
import { decodeRow, isInet, selectList } from './row-columns.js'
import { sqlClient } from './sql-client.js'

/**
 * Reads rows back, newest first, page by page. Every filter but `outcome` is served by an index, and a time
 * range by the partitions it falls into.
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
      const { text, values } = statement(query, limit + 1)
      const found = (await client.query<Record<string, unknown>>(text, values)).map(decodeRow)
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

interface Statement {
  readonly text: string
  readonly values: readonly unknown[]
}

function statement(query: AuditQuery, rows: number): Statement {
  const values: unknown[] = []
  const bind = (value: unknown): string => `$${values.push(value)}`
  const conditions = [
    query.event === undefined ? '' : `event = ${bind(query.event)}`,
    query.outcome === undefined ? '' : `outcome = ${bind(query.outcome)}`,
    query.actorId === undefined ? '' : `actor_id = ${bind(query.actorId)}`,
    query.subjectId === undefined ? '' : `subject_id = ${bind(query.subjectId)}`,
    query.attemptedHash === undefined ? '' : `attempted_hash = ${bind(query.attemptedHash)}`,
    query.address === undefined ? '' : `address = ${bind(query.address)}::inet`,
    query.requestId === undefined ? '' : `request_id = ${bind(query.requestId)}`,
    query.from === undefined ? '' : `id >= ${bind(firstIdOf(query.from))}::uuid`,
    query.to === undefined ? '' : `id < ${bind(firstIdOf(query.to))}::uuid`,
    query.cursor === undefined ? '' : `id < ${bind(query.cursor)}::uuid`,
  ].filter((condition) => condition !== '')
  const page = `order by id desc limit ${bind(rows)}`
  const ids = (column?: string): string => {
    const all = column === undefined ? conditions : [...conditions, `${column} = ${bind(query.concerning)}`]
    return `(select id from audit_event ${all.length > 0 ? `where ${all.join(' and ')}` : ''} ${page})`
  }
  // An "or" over two columns would be served by neither index.
  const source = query.concerning === undefined ? ids() : `${ids('actor_id')} union ${ids('subject_id')}`
  return {
    text: `select ${selectList} from audit_event where id in (select id from (${source}) as ids ${page}) ${page}`,
    values,
  }
}

/** The smallest id that a moment's rows can have. */
function firstIdOf(moment: Date): string {
  const time = moment.getTime().toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`
}

/** What no stored row can be equal to, and PostgreSQL would refuse to compare. */
function isUnanswerable({ actorId, subjectId, concerning, attemptedHash, requestId, address }: AuditQuery): boolean {
  if (address !== undefined && !isInet(address)) return true
  return [actorId, subjectId, concerning, attemptedHash, requestId].some((text) => text?.includes('\u0000'))
}

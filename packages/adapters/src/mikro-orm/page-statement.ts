import type { AuditQuery, Outcome } from '@countersign/core'
import { selectList } from './row-columns.js'

/** A statement, its parameters, and the name under which a connection may keep its plan. */
interface PageStatement {
  readonly text: string
  readonly values: readonly unknown[]
  readonly name: string | undefined
}

interface Filter {
  readonly name: keyof AuditQuery
  readonly columns: readonly [string, ...string[]]
  readonly type: 'text' | 'inet'
}

/** Of the filters of a query the first one is served by an index; the others are looked up in the rows that it finds. */
const narrowestFirst: readonly Filter[] = [
  { name: 'requestId', columns: ['request_id'], type: 'text' },
  { name: 'attemptedHash', columns: ['attempted_hash'], type: 'text' },
  { name: 'actorId', columns: ['actor_id'], type: 'text' },
  { name: 'subjectId', columns: ['subject_id'], type: 'text' },
  { name: 'concerning', columns: ['actor_id', 'subject_id'], type: 'text' },
  { name: 'address', columns: ['address'], type: 'inet' },
  { name: 'event', columns: ['event'], type: 'text' },
  { name: 'outcome', columns: ['outcome'], type: 'text' },
]
const outcomes = Object.keys({ success: 0, failure: 0, denied: 0 } satisfies Record<Outcome, 0>)

/** The longest page, and the row after it. */
const mostRows = 501

/**
 * The first rows that a query is about, in no order.
 *
 * Whatever the planner believes of a value, there is one way that it can take: down the index that
 * begins with the filter's column, until there are enough rows. Of `actor_id = $1 order by id desc
 * limit 50` it may believe that every tenth row is meant, and walk down the primary key, past millions
 * of rows where those of the actor ended long ago. So that column comes first in the order, by a
 * condition that does not make it a constant (`= any`): the primary key has no such order. And of what
 * it takes to be few rows it may look up all, and sort them. So it is not told how many are wanted
 * (`select`), and reckons with a tenth of all; the last limit keeps that from the costs of the whole,
 * at which it would compile the statement first.
 */
export function pageStatement(query: AuditQuery, rows: number): PageStatement {
  const [leading, ...others] = narrowestFirst.filter(({ name }) => query[name] !== undefined)
  const values: unknown[] = []
  const bind = (value: unknown, type: string): string => `$${values.push(value)}::${type}`
  const wanted = `(select ${bind(rows, 'int')})`
  const bounds = idBounds(query)
  const inRange = bounds.map(([operator, id]) => `id ${operator} ${bind(id, 'uuid')}`)
  const conditions = [...inRange]

  const page = (list: string, column: string | undefined, ...own: readonly string[]): string => {
    const all = [...own, ...conditions]
    const where = all.length > 0 ? `where ${all.join(' and ')}` : ''
    return `select ${list} from audit_event ${where} order by ${column ? `${column} desc, ` : ''}id desc limit ${wanted}`
  }
  // Only one filter has a name: which way is best for several depends on their values.
  const named = (...words: readonly string[]): string =>
    ['countersign-page', ...words, ...bounds.map(([operator]) => operator)].join(' ')
  // Joined with something that is not merged into it: alone, it would be planned for the last limit.
  const single = (from: string): string =>
    `select ${selectList} from (select 1 offset 0) as apart cross join lateral (${from}) as page limit ${mostRows}`
  if (leading === undefined) return { text: single(page('*', undefined)), values, name: named() }

  const value = bind(query[leading.name], leading.type)
  const sought = (column: string): string => `${column} = any (array[${value}])`
  if (leading.name === 'event' && others[0]?.name === 'outcome') {
    const outcome = `outcome = ${bind(query.outcome, 'text')}`
    return { text: single(page('*', 'event', sought('event'), outcome)), values, name: named('event', 'outcome') }
  }
  conditions.push(...others.map(({ name, columns, type }) => equals(columns, bind(query[name], type))))
  const name = others.length === 0 ? named(leading.name) : undefined
  const [column, other] = leading.columns
  if (leading.name === 'event') {
    const each = `(values ${outcomes.map((outcome) => `('${outcome}')`).join(', ')}) as each (outcome)`
    const ids = page('id', column, sought(column), 'outcome = each.outcome')
    return {
      text: rowsOf(`select ids.id from ${each} cross join lateral (${ids}) as ids`, wanted, inRange),
      values,
      name,
    }
  }
  if (other === undefined) return { text: single(page('*', column, sought(column))), values, name }
  // An "or" over two columns would be served by neither index.
  const [ids, otherIds] = [column, other].map((one) => `(${page('id', one, sought(one))})`)
  return { text: rowsOf(`${ids} union ${otherIds}`, wanted, inRange), values, name }
}

/** The newest rows of some ids. Each is looked up: of a join, the planner may make a scan of all rows. */
function rowsOf(ids: string, wanted: string, inRange: readonly string[]): string {
  const where = ['audit_event.id = page.id', ...inRange].join(' and ')
  return `select found.* from (select id from (${ids}) as ids order by id desc limit ${wanted}) as page
    cross join lateral (select ${selectList} from audit_event where ${where} limit 1) as found
    limit ${mostRows}`
}

function equals(columns: readonly string[], value: string): string {
  return `(${columns.map((column) => `${column} = ${value}`).join(' or ')})`
}

/** What is asked of the id: time and cursor are one range. */
function idBounds({ from, to, cursor }: AuditQuery): Array<readonly ['>=' | '<', string]> {
  const before = [to === undefined ? [] : [firstIdOf(to)], cursor === undefined ? [] : [cursor]].flat().sort()[0]
  return [
    ...(from === undefined ? [] : [['>=', firstIdOf(from)] as const]),
    ...(before === undefined ? [] : [['<', before] as const]),
  ]
}

/** The smallest id that a moment's rows can have. */
function firstIdOf(moment: Date): string {
  const time = moment.getTime().toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`
}

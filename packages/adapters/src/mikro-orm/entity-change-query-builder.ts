import { type EntityManager, type EntityMetadata, LockMode, type Transaction, Utils } from '@mikro-orm/core'
import type { FieldRules } from './entity-change-fields.js'
import {
  amongKeys,
  fieldsOfCondition,
  insertedKeys,
  recordStatement,
  valuesOf,
  within,
} from './entity-change-statement.js'
import type { EntityChanges } from './entity-changes.js'

/** What is needed of MikroORM's query builder, which core does not know. */
export interface QueryBuilder {
  readonly type: string
  readonly alias: string
  readonly mainAlias: { readonly meta: EntityMetadata | undefined }
  readonly state: { readonly cond: object; readonly onConflict?: unknown; returning?: unknown }
  context?: Transaction | undefined
  clone(...args: unknown[]): QueryBuilder
  select(fields: readonly string[]): QueryBuilder
  setLockMode(mode: LockMode, aliases: readonly string[]): QueryBuilder
  andWhere(condition: object): QueryBuilder
  insert(data: object): QueryBuilder
  update(data: object): QueryBuilder
  execute(...args: unknown[]): Promise<unknown>
}

/** A query builder that records what it inserts, updates and deletes of marked entities. */
export function recordedQueryBuilder<Builder extends QueryBuilder>(
  builder: Builder,
  em: EntityManager,
  changes: EntityChanges,
  before: object = {},
): Builder {
  const { clone, execute, insert, update } = builder
  let given = before
  const keeping = (method: (data: object) => QueryBuilder) => (data: object) => {
    given = data
    return method.call(builder, data)
  }
  const plain = (): QueryBuilder => clone.call(builder)
  const send = (...args: unknown[]): Promise<unknown> => execute.apply(builder, args)
  return Object.assign(builder, {
    insert: keeping(insert),
    update: keeping(update),
    clone: (...args: unknown[]) => recordedQueryBuilder(clone.apply(builder, args), em, changes, given),
    async execute(...args: unknown[]): Promise<unknown> {
      const { meta } = builder.mainAlias
      const rules = meta && changes.rulesOf(meta)
      const isInsert = builder.type === 'INSERT' && builder.state.onConflict === undefined
      if (!rules || !(isInsert || builder.type === 'UPDATE' || builder.type === 'DELETE')) return send(...args)
      return within(em, async (inside) => {
        builder.context ??= inside.getTransactionContext()
        const work = { inside, changes, rules, given, send: () => send(...args) }
        return isInsert ? inserted(work) : matched(work, builder, plain())
      })
    },
  })
}

interface Work {
  readonly inside: EntityManager
  readonly changes: EntityChanges
  readonly rules: FieldRules
  /** What was given to insert or update. */
  readonly given: object
  send(): Promise<unknown>
}

async function inserted({ inside, changes, rules, given, send }: Work): Promise<unknown> {
  const result = await send()
  const values = Utils.asArray(given).map((one) => valuesOf(inside, one))
  const rows = Array.isArray(result) ? result : ((result as { rows?: object[] }).rows ?? [])
  await recordStatement(changes, inside, {
    event: 'entity_create',
    rules,
    keys: insertedKeys(rules.meta, values, rows),
    single: values.length === 1,
    changes: values.length === 1 ? rules.changes(values[0] ?? {}) : null,
    fields: [...new Set(values.flatMap((one) => rules.fields(one)))].sort(),
  })
  return result
}

/** Locks what matches, and keeps to it. */
async function matched({ inside, changes, rules, given, send }: Work, builder: QueryBuilder, finder: QueryBuilder) {
  const { meta } = rules
  finder.context = builder.context
  finder.state.returning = undefined
  const where = fieldsOfCondition(unaliased(builder.state.cond), meta)
  finder.select(meta.primaryKeys).setLockMode(LockMode.PESSIMISTIC_WRITE, [finder.alias])
  const found = (await finder.execute('all')) as Array<Record<string, unknown>>
  if (found.length === 0) return send()
  const keys = found.map((row) => meta.primaryKeys.map((name) => row[name]))
  builder.andWhere(amongKeys(meta, meta.compositePK ? found : keys.map(([key]) => key)))
  const result = await send()
  const isUpdate = builder.type === 'UPDATE'
  const changed = isUpdate ? rules.changes(valuesOf(inside, given)) : null
  if (isUpdate && !changed) return result
  const event = isUpdate ? 'entity_update' : 'entity_delete'
  await recordStatement(changes, inside, { event, rules, keys, changes: changed, where })
  return result
}

/** A condition names fields as `a0.name` where it has to. */
function unaliased(condition: unknown): unknown {
  if (Array.isArray(condition)) return condition.map(unaliased)
  if (!Utils.isPlainObject(condition)) return condition
  return Object.fromEntries(
    Object.entries(condition as object).map(([name, value]) => [
      name.replace(/^\w+\./, ''),
      name.startsWith('$') ? unaliased(value) : value,
    ]),
  )
}

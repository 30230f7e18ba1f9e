import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type EntityManager,
  type EntityMetadata,
  FlushMode,
  LockMode,
  type MikroORM,
  Utils,
  wrap,
} from '@mikro-orm/core'
import type { FieldRules } from './entity-change-fields.js'
import { type QueryBuilder, recordedQueryBuilder } from './entity-change-query-builder.js'
import {
  amongKeys,
  fieldsOfCondition,
  insertedKeys,
  recordStatement,
  valuesOf,
  within,
} from './entity-change-statement.js'
import type { EntityChanges } from './entity-changes.js'

type Method = (this: EntityManager, ...args: any[]) => Promise<any>
type Methods = Record<'insert' | 'insertMany' | 'upsert' | 'upsertMany' | 'nativeUpdate' | 'nativeDelete', Method>

interface QueryBuilders {
  createQueryBuilder(...args: unknown[]): QueryBuilder
}

/** What the driver sent for a method, which does not always say so. */
interface Sent {
  statements: number
  readonly ids: unknown[]
}

/** Records what goes past the unit of work: methods of the entity manager that send a statement of their own. */
export function recordBulkChanges(orm: MikroORM, changes: EntityChanges): void {
  const base = orm.em.constructor as typeof EntityManager
  const methods = new BulkMethods(base.prototype as unknown as Methods, changes, watchDriver(orm)).all()
  const { createQueryBuilder } = base.prototype as unknown as QueryBuilders
  // Forks are made by the constructor of what is forked: a class of this orm's own reaches them all.
  class EntityManagerWithAudit extends base {}
  Object.assign(EntityManagerWithAudit.prototype, methods, {
    createQueryBuilder(this: EntityManager, ...args: unknown[]): QueryBuilder {
      return recordedQueryBuilder(createQueryBuilder.apply(this, args), this, changes)
    },
  })
  Object.setPrototypeOf(orm.em, EntityManagerWithAudit.prototype)
}

function watchDriver(orm: MikroORM): AsyncLocalStorage<Sent> {
  const watched = new AsyncLocalStorage<Sent>()
  const driver = orm.em.getDriver() as unknown as Record<string, Method>
  const { nativeUpdate, nativeUpdateMany, nativeInsertMany } = driver as Record<string, Method>
  const counted = (method: Method | undefined): Method =>
    function (this, ...args) {
      const sent = watched.getStore()
      if (sent) sent.statements++
      return (method as Method).apply(this, args)
    }
  driver.nativeUpdate = counted(nativeUpdate)
  driver.nativeUpdateMany = counted(nativeUpdateMany)
  driver.nativeInsertMany = async function (this, entityName, data, ...rest) {
    const result = await (nativeInsertMany as Method).call(this, entityName, data, ...rest)
    // The entity manager only hands out the first.
    watched.getStore()?.ids.push(...insertedKeys(orm.getMetadata().get(entityName), data, result.rows ?? []))
    return result
  }
  return watched
}

class BulkMethods {
  readonly #base: Methods
  readonly #changes: EntityChanges
  readonly #watched: AsyncLocalStorage<Sent>

  constructor(base: Methods, changes: EntityChanges, watched: AsyncLocalStorage<Sent>) {
    this.#base = base
    this.#changes = changes
    this.#watched = watched
  }

  all(): Methods {
    const bulk = this
    return {
      insert(...args) {
        return bulk.#inserted(this, args)
      },
      insertMany(...args) {
        return bulk.#insertedMany(this, args)
      },
      upsert(...args) {
        return bulk.#upserted(this, 'upsert', args)
      },
      upsertMany(...args) {
        return bulk.#upserted(this, 'upsertMany', args)
      },
      nativeUpdate(entity, where, data, options) {
        const rules = bulk.#rulesOf(this, entity)
        if (!rules) return bulk.#base.nativeUpdate.call(this, entity, where, data, options)
        const changes = rules.changes(data)
        return bulk.#matched(this, [rules, where, options], async (em, these, keys, names) => {
          const count = await bulk.#base.nativeUpdate.call(em, entity, these, data, unfiltered(options))
          if (changes)
            await recordStatement(bulk.#changes, em, { event: 'entity_update', rules, keys, changes, where: names })
          return count
        })
      },
      nativeDelete(entity, where, options) {
        const rules = bulk.#rulesOf(this, entity)
        if (!rules) return bulk.#base.nativeDelete.call(this, entity, where, options)
        return bulk.#matched(this, [rules, where, options], async (em, these, keys, names) => {
          const count = await bulk.#base.nativeDelete.call(em, entity, these, unfiltered(options))
          await recordStatement(bulk.#changes, em, { event: 'entity_delete', rules, keys, changes: null, where: names })
          return count
        })
      },
    } satisfies Methods
  }

  #rulesOf(em: EntityManager, named: unknown): FieldRules | undefined {
    const entity = Utils.isEntity(named) ? named.constructor : named
    const meta = em.getMetadata().find(entity as never)
    return meta && this.#changes.rulesOf(meta)
  }

  async #inserted(self: EntityManager, args: unknown[]): Promise<unknown> {
    const rules = this.#rulesOf(self, args[0])
    if (!rules) return this.#base.insert.apply(self, args)
    return within(self, async (em) => {
      const id: unknown = await this.#base.insert.apply(em, args)
      const values = valuesOf(em, args[1] ?? args[0])
      const { primaryKeys, compositePK } = rules.meta
      const key = compositePK ? primaryKeys.map((name) => values[name]) : id
      const event = 'entity_create'
      await recordStatement(this.#changes, em, {
        event,
        rules,
        keys: [key],
        changes: rules.changes(values),
        single: true,
      })
      return id
    })
  }

  async #insertedMany(self: EntityManager, args: unknown[]): Promise<unknown> {
    const given = (args[1] ?? args[0]) as object[]
    const rules = this.#rulesOf(self, args[1] === undefined ? given[0] : args[0])
    if (!rules || given.length === 0) return this.#base.insertMany.apply(self, args)
    return within(self, async (em) => {
      const sent: Sent = { statements: 0, ids: [] }
      const answer: unknown = await this.#watched.run(sent, () => this.#base.insertMany.apply(em, args))
      const fields = fieldsOf(em, rules, given)
      await recordStatement(this.#changes, em, { event: 'entity_create', rules, keys: sent.ids, changes: null, fields })
      return answer
    })
  }

  async #upserted(self: EntityManager, method: 'upsert' | 'upsertMany', args: unknown[]): Promise<unknown> {
    const given = Utils.asArray((args[1] ?? args[0]) as object)
    const rules = this.#rulesOf(self, args[1] === undefined ? given[0] : args[0])
    if (!rules || given.length === 0) return this.#base[method].apply(self, args)
    return within(self, async (em) => {
      const values = given.map((one) => valuesOf(em, one))
      const sent: Sent = { statements: 0, ids: [] }
      const answer: unknown = await this.#watched.run(sent, () => this.#base[method].apply(em, args))
      // What is in the identity map already is changed there, and recorded with its flush.
      if (sent.statements === 0) return answer
      const single = method === 'upsert'
      await recordStatement(this.#changes, em, {
        event: 'entity_update',
        rules,
        keys: Utils.asArray(answer as object).map((entity) => keysOf(entity)),
        changes: single ? rules.changes(values[0] ?? {}) : null,
        single,
        fields: fieldsOf(em, rules, values),
      })
      return answer
    })
  }

  /** Locks what matches, so that the ids are those of the rows that change, and no others. */
  async #matched(
    self: EntityManager,
    [{ meta }, where, options]: readonly [FieldRules, unknown, object | undefined],
    change: (em: EntityManager, these: object, keys: unknown[][], names: string[]) => Promise<number>,
  ): Promise<number> {
    return within(self, async (em) => {
      const found = await locked(em, meta, where, options)
      if (found.length === 0) return 0
      const these = found.map((entity) => wrap(entity, true).getPrimaryKey())
      return change(em, amongKeys(meta, these), found.map(keysOf), fieldsOfCondition(where, meta))
    })
  }
}

async function locked(em: EntityManager, meta: EntityMetadata, where: unknown, options = {}): Promise<object[]> {
  return em.find(meta.class, where as object, {
    ...options,
    fields: meta.primaryKeys as never,
    lockMode: LockMode.PESSIMISTIC_WRITE,
    lockTableAliases: [em.config.getNamingStrategy().aliasName(meta.className, 0)],
    disableIdentityMap: true,
    flushMode: FlushMode.COMMIT,
  })
}

function keysOf(entity: object): unknown[] {
  return wrap(entity, true).getPrimaryKeys() as unknown[]
}

/** What matches was found with the filters; it is named by its keys then. */
function unfiltered(options: object | undefined): object {
  return { ...options, filters: false, unionWhere: undefined }
}

function fieldsOf(em: EntityManager, rules: FieldRules, given: readonly object[]): string[] {
  return [...new Set(given.flatMap((one) => rules.fields(valuesOf(em, one))))].sort()
}

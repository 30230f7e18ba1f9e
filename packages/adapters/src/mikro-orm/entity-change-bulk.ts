import { AsyncLocalStorage } from 'node:async_hooks'
import { createHash } from 'node:crypto'
import type { RecordOptions } from '@countersign/core'
import {
  type EntityManager,
  type EntityMetadata,
  FlushMode,
  LockMode,
  type MikroORM,
  Utils,
  wrap,
} from '@mikro-orm/core'
import type { FieldChanges, FieldRules } from './entity-change-fields.js'
import type { EntityChanges, EntityEvent } from './entity-changes.js'

type Method = (this: EntityManager, ...args: any[]) => Promise<any>
type Methods = Record<'insert' | 'insertMany' | 'upsert' | 'upsertMany' | 'nativeUpdate' | 'nativeDelete', Method>

/** What the driver sent for a method, which does not always say so. */
interface Sent {
  statements: number
  readonly ids: unknown[]
}

/** Records what goes past the unit of work: methods of the entity manager that send a statement of their own. */
export function recordBulkChanges(orm: MikroORM, changes: EntityChanges): void {
  const base = orm.em.constructor as typeof EntityManager
  const methods = new BulkMethods(base.prototype as unknown as Methods, changes, watchDriver(orm)).all()
  // Forks are made by the constructor of what is forked: a class of this orm's own reaches them all.
  class EntityManagerWithAudit extends base {}
  Object.assign(EntityManagerWithAudit.prototype, methods)
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

function insertedKeys(meta: EntityMetadata, data: readonly object[], rows: readonly object[]): unknown[] {
  return data.map((given, index) => {
    const returned = rows[index] as Record<string, unknown> | undefined
    const keys = meta.getPrimaryProps().map(({ name, fieldNames }) => {
      const [field = name] = fieldNames
      return (given as Record<string, unknown>)[name] ?? returned?.[field] ?? returned?.[name]
    })
    return keys.length === 1 ? keys[0] : keys
  })
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
        return bulk.#matched(this, [rules, where, options], async (em, these, ids, more) => {
          const count = await bulk.#base.nativeUpdate.call(em, entity, these, data, unfiltered(options))
          if (changes) await bulk.#record(em, 'entity_update', rules, ids, changes, more)
          return count
        })
      },
      nativeDelete(entity, where, options) {
        const rules = bulk.#rulesOf(this, entity)
        if (!rules) return bulk.#base.nativeDelete.call(this, entity, where, options)
        return bulk.#matched(this, [rules, where, options], async (em, these, ids, more) => {
          const count = await bulk.#base.nativeDelete.call(em, entity, these, unfiltered(options))
          await bulk.#record(em, 'entity_delete', rules, ids, null, more)
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
      await this.#record(em, 'entity_create', rules, [key], rules.changes(values), { single: true })
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
      await this.#record(em, 'entity_create', rules, sent.ids, null, { fields: fieldsOf(em, rules, given) })
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
      const ids = Utils.asArray(answer as object).map((entity) => keysOf(entity))
      const single = method === 'upsert'
      const changes = single ? rules.changes(values[0] ?? {}) : null
      await this.#record(em, 'entity_update', rules, ids, changes, {
        single,
        ...(single ? {} : { fields: fieldsOf(em, rules, values) }),
      })
      return answer
    })
  }

  /** Locks what matches, so that the ids are those of the rows that change, and no others. */
  async #matched(
    self: EntityManager,
    [{ meta }, where, options]: readonly [FieldRules, unknown, object | undefined],
    change: (em: EntityManager, these: object, ids: unknown[][], more: { where: string[] }) => Promise<number>,
  ): Promise<number> {
    return within(self, async (em) => {
      const found = await locked(em, meta, where, options)
      if (found.length === 0) return 0
      return change(em, among(meta, found), found.map(keysOf), { where: [...namesIn(where, meta)].sort() })
    })
  }

  async #record(
    em: EntityManager,
    event: EntityEvent,
    rules: FieldRules,
    keys: readonly unknown[],
    changes: FieldChanges | null,
    { single = false, ...more }: { single?: boolean; fields?: string[]; where?: string[] },
  ): Promise<void> {
    const ids = keys.map(idText)
    const details = {
      entity: rules.meta.className,
      ...(changes ? { changes } : {}),
      ...(single ? {} : { rows: ids.length, ids_digest: idsDigest(ids), ...more }),
    }
    const subject = single && ids[0] !== undefined ? { subject: { type: rules.name, id: ids[0] } } : {}
    await this.#changes.record(em, event, { ...subject, details } as RecordOptions<EntityEvent>)
  }
}

/** In the transaction that is open, else in one around both. */
async function within<Result>(self: EntityManager, work: (em: EntityManager) => Promise<Result>): Promise<Result> {
  const em = self.getContext(false)
  return em.isInTransaction() ? work(em) : em.transactional(work, { clear: true })
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

function among({ primaryKeys: [only], compositePK }: EntityMetadata, found: readonly object[]): object {
  const keys = found.map((entity) => wrap(entity, true).getPrimaryKey())
  return compositePK ? { $or: keys } : { [only as string]: { $in: keys } }
}

/** What matches was found with the filters; it is named by its keys then. */
function unfiltered(options: object | undefined): object {
  return { ...options, filters: false, unionWhere: undefined }
}

function valuesOf(em: EntityManager, given: unknown): Record<string, unknown> {
  return (Utils.isEntity(given) ? em.getComparator().prepareEntity(given as never) : given) as Record<string, unknown>
}

function fieldsOf(em: EntityManager, rules: FieldRules, given: readonly object[]): string[] {
  return [...new Set(given.flatMap((one) => rules.fields(valuesOf(em, one))))].sort()
}

/** The fields that a condition speaks of, and none of its values. */
function namesIn(where: unknown, meta: EntityMetadata): Set<string> {
  if (Array.isArray(where)) return new Set(where.flatMap((part) => [...namesIn(part, meta)]))
  if (!Utils.isPlainObject(where)) return new Set(meta.primaryKeys)
  return new Set(
    Object.entries(where as object).flatMap(([name, value]) => {
      if (name.startsWith('$')) return [...namesIn(value, meta)]
      return name in meta.properties ? [name] : []
    }),
  )
}

/** As `subject.id` has it: a key of several columns is joined with `~~~`. */
function idText(key: unknown): string {
  return Utils.getPrimaryKeyHash(Utils.asArray(key as never))
}

/** SHA-256, in hex, over the ids in the order of their UTF-8 bytes, each followed by a line feed. */
function idsDigest(ids: readonly string[]): string {
  const sorted = ids.map((id) => Buffer.from(`${id}\n`)).sort(Buffer.compare)
  return createHash('sha256').update(Buffer.concat(sorted)).digest('hex')
}

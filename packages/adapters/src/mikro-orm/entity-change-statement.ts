import { createHash } from 'node:crypto'
import type { RecordOptions } from '@countersign/core'
import { type EntityManager, type EntityMetadata, Utils } from '@mikro-orm/core'
import type { FieldChanges, FieldRules } from './entity-change-fields.js'
import type { EntityChanges, EntityEvent } from './entity-changes.js'

/** What a statement did that no unit of work saw. */
export interface Statement {
  readonly event: EntityEvent
  readonly rules: FieldRules
  /** The keys of the rows that it touched; one of several columns is a list. */
  readonly keys: readonly unknown[]
  readonly changes: FieldChanges | null
  /** True for one entity that was named, as opposed to any number that matched. */
  readonly single?: boolean
  readonly fields?: readonly string[]
  readonly where?: readonly string[]
}

/** Writes one row for a statement, in the transaction that it is part of. */
export async function recordStatement(changes: EntityChanges, em: EntityManager, statement: Statement): Promise<void> {
  const { event, rules, keys, single = false, fields, where } = statement
  const ids = keys.map(idText)
  const details = {
    entity: rules.meta.className,
    ...(statement.changes ? { changes: statement.changes } : {}),
    ...(single ? {} : { rows: ids.length, ids_digest: idsDigest(ids) }),
    ...(fields && !single ? { fields } : {}),
    ...(where ? { where } : {}),
  }
  const subject = single && ids[0] !== undefined ? { subject: { type: rules.name, id: ids[0] } } : {}
  await changes.record(em, event, { ...subject, details } as RecordOptions<EntityEvent>)
}

/** In the transaction that is open, else in one around both. */
export async function within<Result>(
  self: EntityManager,
  work: (em: EntityManager) => Promise<Result>,
): Promise<Result> {
  const em = self.getContext(false)
  return em.isInTransaction() ? work(em) : em.transactional(work, { clear: true })
}

/** The condition that names rows by their keys. */
export function amongKeys({ primaryKeys: [only], compositePK }: EntityMetadata, keys: readonly unknown[]): object {
  return compositePK ? { $or: keys } : { [only as string]: { $in: keys } }
}

/** The keys of inserted rows: those that were given, else those that the database returned. */
export function insertedKeys(meta: EntityMetadata, data: readonly object[], rows: readonly object[]): unknown[] {
  return data.map((given, index) => {
    const returned = rows[index] as Record<string, unknown> | undefined
    const keys = meta.getPrimaryProps().map(({ name, fieldNames }) => {
      const [field = name] = fieldNames
      return (given as Record<string, unknown>)[name] ?? returned?.[field] ?? returned?.[name]
    })
    return keys.length === 1 ? keys[0] : keys
  })
}

/** The fields that a condition speaks of, sorted, and none of its values. */
export function fieldsOfCondition(where: unknown, meta: EntityMetadata): string[] {
  return [...namesIn(where, meta)].sort()
}

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

/** What a statement is given, of an entity or a plain object. */
export function valuesOf(em: EntityManager, given: unknown): Record<string, unknown> {
  return (Utils.isEntity(given) ? em.getComparator().prepareEntity(given as never) : given) as Record<string, unknown>
}

import { inspect } from 'node:util'
import { AuditError, canonicalIdentifier, isSnakeCase, maskIdentifier, REDACTED } from '@countersign/core'
import { type EntityKey, type EntityMetadata, type EntityName, isRaw, type MikroORM } from '@mikro-orm/core'

/** Which fields of an entity are recorded in another way than with their values. */
export interface AuditedFields<Entity extends object> {
  /** Recorded as set or changed, never with a value. */
  readonly secrets?: ReadonlyArray<EntityKey<Entity>>
  /** Recorded masked, with the trail's keyed hash to search by: `{ masked: 'a***@e***.com', hash: '…' }`. */
  readonly personal?: ReadonlyArray<EntityKey<Entity>>
  /** Not recorded; a change of nothing else leaves no row. */
  readonly ignored?: ReadonlyArray<EntityKey<Entity>>
}

/** An entity whose changes are recorded; {@link auditedEntity} makes one. */
export interface AuditedEntity {
  readonly entity: EntityName
  readonly fields: AuditedFields<Record<string, unknown>>
}

/**
 * Marks an entity for `auditEntityChanges`. Fields are properties of the entity, an embedded one
 * with all that is in it.
 *
 * @example
 * auditedEntity(User, { secrets: ['passwordHash'], personal: ['email'] })
 */
export function auditedEntity<Entity extends object>(
  entity: EntityName<Entity>,
  fields: AuditedFields<NoInfer<Entity>> = {},
): AuditedEntity {
  return { entity, fields: fields as AuditedFields<Record<string, unknown>> }
}

type Values = Readonly<Record<string, unknown>>
/** By field: what it was and what it became, as far as there is one. */
export type FieldChanges = Record<string, unknown>

/** How the changes of one entity are recorded. */
export class FieldRules {
  readonly meta: EntityMetadata
  /** The entity's name in snake_case, as `subject.type`. */
  readonly name: string
  readonly #identifierHash: (identifier: string) => string
  readonly #rules = new Map<string, 'secret' | 'personal' | 'ignored'>()

  /** @throws AuditError `SETTING_INVALID` */
  constructor(orm: MikroORM, marked: AuditedEntity, identifierHash: (identifier: string) => string) {
    this.meta = metadataOf(orm, marked.entity)
    this.name = snakeCase(this.meta.className)
    this.#identifierHash = identifierHash
    const { ignored = [], personal = [], secrets = [] } = marked.fields
    for (const field of ignored) this.#say(field, 'ignored')
    for (const field of personal) this.#say(field, 'personal')
    for (const field of secrets) this.#say(field, 'secret')
  }

  /** Null where nothing of it is to be recorded. */
  changes(to: Values, from?: Values): FieldChanges | null {
    const changes: FieldChanges = {}
    for (const field of this.fields(to)) {
      const rule = this.#ruleOf(field)
      const show = (value: unknown): unknown => (rule === 'personal' ? this.#masked(value) : shown(value))
      if (rule === 'secret') changes[field] = REDACTED
      else changes[field] = from ? { from: show(from[field]), to: show(to[field]) } : { to: show(to[field]) }
    }
    return Object.keys(changes).length === 0 ? null : changes
  }

  /** The fields among these that are recorded. */
  fields(values: Values): string[] {
    return Object.keys(values).filter(
      (field) => !this.meta.primaryKeys.includes(field as never) && this.#ruleOf(field) !== 'ignored',
    )
  }

  #say(field: string, rule: 'secret' | 'personal' | 'ignored'): void {
    if (!(field in this.meta.properties)) {
      throw new AuditError(
        'SETTING_INVALID',
        `${this.meta.className} has no property ${inspect(field)}, which auditedEntity was given as ${rule}. Write one of: ${Object.keys(this.meta.properties).join(', ')}`,
      )
    }
    this.#rules.set(field, rule)
  }

  /** What is embedded is in the unit of work under a name of its own, such as `address_city`. */
  #ruleOf(field: string): string | undefined {
    const own = this.#rules.get(field)
    const parent = this.meta.properties[field as never]?.embedded?.[0]
    return own ?? (parent === undefined ? undefined : this.#ruleOf(parent))
  }

  #masked(value: unknown): unknown {
    const plain = shown(value)
    if (plain === null) return null
    const text = textOf(plain)
    return { masked: maskIdentifier(canonicalIdentifier(text.slice(0, 512))), hash: this.#identifierHash(text) }
  }
}

/** An expression of SQL has no value that could be told. */
function shown(value: unknown): unknown {
  return isRaw(value) ? '[sql]' : (value ?? null)
}

function textOf(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'bigint') return String(value)
  const json = JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part))
  return json ?? String(value)
}

function metadataOf(orm: MikroORM, entity: EntityName): EntityMetadata {
  const meta = orm.getMetadata().find(entity)
  if (meta) return meta
  throw new AuditError(
    'SETTING_INVALID',
    `${inspect(entity, { depth: 0 })} is no entity of this orm, and its changes can't be recorded. Add it to the entities of MikroORM.init.`,
  )
}

function snakeCase(name: string): string {
  const snake = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
  return isSnakeCase(snake) ? snake : name
}

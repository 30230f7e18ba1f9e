import { AuditError, type AuditRow, type AuditTrail, type EventName, type RecordOptions } from '@countersign/core'
import {
  type EntityManager,
  type EventArgs,
  type EventSubscriber,
  type FlushEventArgs,
  type MikroORM,
  type TransactionEventArgs,
  wrap,
} from '@mikro-orm/core'
import { recordBulkChanges } from './entity-change-bulk.js'
import { type AuditedEntity, FieldRules } from './entity-change-fields.js'
import { JoinedInsertion } from './joined-insertion.js'
import { type OpenTransaction, OpenTransactions, subscribe } from './open-transactions.js'

/** What {@link auditEntityChanges} records. */
export interface EntityChangeOptions {
  readonly entities: readonly AuditedEntity[]
}

/**
 * Records every change of the marked entities as a row of its own, in the very transaction of the
 * change: both are there afterwards, or neither. Call it once, before the orm is used: entity
 * managers that were forked earlier do not know of it. The sink of the trail is a `mikroOrmSink` of
 * the same database.
 *
 * @throws AuditError `SETTING_INVALID`
 * @example
 * auditEntityChanges(orm, trail, {
 *   entities: [auditedEntity(User, { secrets: ['passwordHash'], personal: ['email'], ignored: ['lastLoginAt'] })],
 * })
 */
export function auditEntityChanges(orm: MikroORM, trail: AuditTrail, options: EntityChangeOptions): void {
  if (!orm.config.get('implicitTransactions')) {
    throw new AuditError(
      'SETTING_INVALID',
      'Rows about changes are part of the transaction of the change, and this orm flushes without one. Leave out implicitTransactions: false.',
    )
  }
  const changes = new EntityChanges(orm, trail, options)
  subscribe(orm, changes)
  recordBulkChanges(orm, changes)
}

export type EntityEvent = 'entity_create' | 'entity_update' | 'entity_delete'

/** Makes rows of what a unit of work did, and writes them in its transaction. */
export class EntityChanges implements EventSubscriber {
  readonly #trail: AuditTrail
  readonly #open: OpenTransactions
  readonly #insertion = new JoinedInsertion()
  readonly #rules = new Map<string, FieldRules>()
  /** Rows about what was sent, until the unit of work is done. */
  readonly #unwritten = new WeakMap<EntityManager, AuditRow[]>()

  constructor(orm: MikroORM, trail: AuditTrail, { entities }: EntityChangeOptions) {
    this.#trail = trail
    this.#open = new OpenTransactions(orm)
    for (const marked of entities) {
      const rules = new FieldRules(orm, marked, (identifier) => trail.identifierHash(identifier))
      this.#rules.set(rules.meta.className, rules)
    }
  }

  /** Undefined for what is not marked; an entity that inherits from a marked root is. */
  rulesOf(meta: {
    readonly className: string
    readonly root?: { readonly className: string }
  }): FieldRules | undefined {
    return this.#rules.get(meta.className) ?? this.#rules.get(meta.root?.className ?? '')
  }

  afterCreate(args: EventArgs<object>): void {
    this.#changed('entity_create', args, (rules, { payload }) => rules.changes(payload) ?? {})
  }

  afterUpdate(args: EventArgs<object>): void {
    this.#changed('entity_update', args, (rules, { payload, originalEntity }) =>
      rules.changes(payload, (originalEntity ?? {}) as Record<string, unknown>),
    )
  }

  afterDelete(args: EventArgs<object>): void {
    this.#changed('entity_delete', args, () => ({}))
  }

  /** In a transaction that goes on; the one that a flush opens is committed by now. */
  async afterFlush({ em }: FlushEventArgs): Promise<void> {
    if (this.#unwritten.has(em)) await this.#write(em, em.getTransactionContext())
  }

  async beforeTransactionCommit({ em, transaction }: TransactionEventArgs): Promise<void> {
    if (this.#unwritten.has(em)) await this.#write(em, transaction)
  }

  beforeTransactionRollback({ em }: TransactionEventArgs): void {
    this.#unwritten.delete(em)
  }

  /** Writes a row about what a statement did in the transaction of this entity manager. */
  async record<Event extends EntityEvent>(
    em: EntityManager,
    event: Event,
    options: RecordOptions<Event>,
  ): Promise<void> {
    this.#add(em, event, options)
    await this.#write(em, em.getTransactionContext())
  }

  #changed(
    event: EntityEvent,
    { em, entity, meta, changeSet }: EventArgs<object>,
    changesOf: (
      rules: FieldRules,
      set: { payload: Record<string, unknown>; originalEntity?: unknown },
    ) => object | null,
  ): void {
    const rules = this.rulesOf(meta)
    const changes = rules && changeSet && changesOf(rules, changeSet as never)
    if (!rules || !changes) return
    const details = { entity: rules.meta.className, ...(Object.keys(changes).length === 0 ? {} : { changes }) }
    const id = wrap(entity, true).getSerializedPrimaryKey()
    this.#add(em, event, { subject: { type: rules.name, id }, details } as RecordOptions<EventName>)
  }

  #add(em: EntityManager, event: EntityEvent, options: RecordOptions<EventName>): void {
    const row = this.#trail.rowFor(event, options)
    if (!row) return
    const rows = this.#unwritten.get(em)
    if (rows) rows.push(row)
    else this.#unwritten.set(em, [row])
  }

  async #write(em: EntityManager, handle: Parameters<OpenTransactions['of']>[0]): Promise<void> {
    const rows = this.#unwritten.get(em)
    if (!rows) return
    this.#unwritten.delete(em)
    const transaction = this.#open.of(handle)
    if (!transaction) throw withoutTransaction()
    await this.#insertion.insert(transaction, rows)
    this.#announceAfter(transaction, rows)
  }

  #announceAfter(transaction: OpenTransaction, rows: readonly AuditRow[]): void {
    transaction.onEnd((committed) => {
      if (committed) this.#trail.announceStored(rows)
    })
  }
}

function withoutTransaction(): AuditError {
  return new AuditError(
    'SETTING_INVALID',
    'A marked entity was changed outside of any transaction, or in one that began before auditEntityChanges was called. Call it first, and leave disableTransactions out.',
  )
}

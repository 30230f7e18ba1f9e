import { auditEntityChanges, auditedEntity, mikroOrmReader, mikroOrmSink } from '@countersign/adapters/mikro-orm'
import { type AuditRow, type AuditSignal, type AuditTrail, createAuditTrail } from '@countersign/core'
import { defineEntity, EntitySchema, type MikroORM, p } from '@mikro-orm/core'
import type { TestDatabase } from './databases.js'

export const Team = defineEntity({
  name: 'Team',
  tableName: 'team',
  properties: { id: p.integer().primary(), name: p.string() },
})

export const Member = defineEntity({
  name: 'TeamMember',
  tableName: 'team_member',
  properties: {
    id: p.integer().primary(),
    name: p.string(),
    email: p.string().nullable(),
    passwordHash: p.string().nullable(),
    apiToken: p.string().nullable(),
    bio: p.text().nullable(),
    joinedAt: p.datetime().nullable(),
    updatedAt: p.datetime().nullable(),
    team: () => p.manyToOne(Team).nullable(),
  },
})

/** A class, as decorators make one. */
export class Label {
  list!: string
  text!: string
  colour?: string
}
const labelSchema: EntitySchema<Label> = new EntitySchema<Label>({
  class: Label,
  tableName: 'label',
  properties: {
    list: { type: 'string', primary: true },
    text: { type: 'string', primary: true },
    colour: { type: 'string', nullable: true },
  },
})

const tables = [
  'create table team (id serial primary key, name text not null)',
  `create table team_member (id serial primary key, name text not null, email text, password_hash text, api_token text,
    bio text, joined_at timestamptz, updated_at timestamptz, team_id int references team (id))`,
  'create table label (list text, text text, colour text, primary key (list, text))',
]

/** A database with entities whose changes are recorded, and one whose changes are not: `Team`. */
export interface AuditedEntities {
  readonly orm: MikroORM
  readonly trail: AuditTrail
  readonly signals: AuditSignal[]
  /** The rows since the last call. */
  rows(): Promise<AuditRow[]>
  sql(statement: string): Promise<Array<Record<string, unknown>>>
  close(): Promise<void>
}

export async function auditedEntities(database: TestDatabase): Promise<AuditedEntities> {
  const { orm } = database
  orm.discoverEntity([Team, Member, labelSchema])
  const sql = (statement: string): Promise<Array<Record<string, unknown>>> => orm.em.getConnection().execute(statement)
  for (const statement of tables) await sql(statement)
  const trail = createAuditTrail({ sink: mikroOrmSink(orm), key: 'k'.repeat(32) })
  const reader = mikroOrmReader(orm)
  const signals: AuditSignal[] = []
  trail.signals.on('*', (signal) => void signals.push(signal))
  auditEntityChanges(orm, trail, {
    entities: [
      auditedEntity(Member, { secrets: ['passwordHash'], personal: ['email'], ignored: ['updatedAt'] }),
      auditedEntity(Label),
    ],
  })
  const seen = new Set<string>()
  return {
    orm,
    trail,
    signals,
    sql,
    async rows() {
      const { items } = await reader.find({ limit: 100 })
      const fresh = items.filter(({ id }) => !seen.has(id)).reverse()
      for (const { id } of fresh) seen.add(id)
      return fresh
    },
    async close() {
      await trail.close()
      await reader.close()
      await database.close()
    },
  }
}

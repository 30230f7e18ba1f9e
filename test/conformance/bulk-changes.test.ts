import { createHash } from 'node:crypto'
import type { AuditRow } from '@countersign/core'
import { type EntityManager, raw } from '@mikro-orm/core'
import type { EntityManager as PostgresEntityManager } from '@mikro-orm/postgresql'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type AuditedEntities, auditedEntities, Label, Member, Team } from '../support/audited-entities.js'
import { pgliteDatabase, postgresAvailable, postgresDatabase } from '../support/databases.js'

const databases = [
  { name: 'PGlite', open: pgliteDatabase, here: true },
  { name: 'PostgreSQL', open: postgresDatabase, here: await postgresAvailable() },
]
const brief = ({ event, subject, details }: AuditRow) => ({ event, subject, details })

/** As docs/entity-changes.md says: `printf '%s\n' ids | LC_ALL=C sort | sha256sum`. */
const digestOf = (...ids: Array<string | number>) =>
  createHash('sha256')
    .update(`${ids.map(String).sort().join('\n')}\n`)
    .digest('hex')

for (const { name, open, here } of databases) {
  describe.runIf(here)(`bulk changes of entities on ${name}`, () => {
    let audited: AuditedEntities
    let em: EntityManager
    beforeAll(async () => {
      audited = await auditedEntities(await open())
    })
    beforeEach(async () => {
      em = audited.orm.em.fork()
      for (const table of ['team_member', 'team', 'label']) await audited.sql(`delete from ${table}`)
      for (const id of [33, 200, 1000])
        await audited.sql(`insert into team_member (id, name, email) values (${id}, 'm', 'm@example.com')`)
      await audited.rows()
      audited.signals.length = 0
    })
    afterAll(() => audited.close())

    it('leave one row for an update, with how many, which, and what was set', async () => {
      const set = { name: 'new', passwordHash: 'x', email: 'n@example.com', updatedAt: new Date() }
      expect(await em.nativeUpdate(Member, { $and: [{ name: 'm' }, { id: { $gt: 33 } }] }, set)).toBe(2)
      expect((await audited.rows()).map(brief)).toEqual([
        {
          event: 'entity_update',
          subject: null,
          details: {
            entity: 'TeamMember',
            rows: 2,
            ids_digest: digestOf(200, 1000),
            where: ['id', 'name'],
            changes: {
              name: { to: 'new' },
              passwordHash: '[redacted]',
              email: { to: { masked: 'n***@e***.com', hash: audited.trail.identifierHash('n@example.com') } },
            },
          },
        },
      ])
      expect(audited.signals).toHaveLength(1)
      expect(await audited.sql("select id from team_member where name = 'new' order by id")).toEqual([
        { id: 200 },
        { id: 1000 },
      ])
    })

    it('leave one row for a delete', async () => {
      expect(await em.nativeDelete(Member, [33, 200])).toBe(2)
      expect((await audited.rows()).map(brief)).toEqual([
        {
          event: 'entity_delete',
          subject: null,
          details: { entity: 'TeamMember', rows: 2, ids_digest: digestOf(33, 200), where: ['id'] },
        },
      ])
    })

    it('leave no row where nothing matches, or nothing that is recorded is set', async () => {
      expect(await em.nativeUpdate(Member, { name: 'nobody' }, { name: 'x' })).toBe(0)
      expect(await em.nativeUpdate(Member, { name: 'm' }, { updatedAt: new Date() })).toBe(3)
      expect(await em.nativeDelete(Member, { name: 'nobody' })).toBe(0)
      await em.insert(Team, { id: 1, name: 'not marked' })
      expect(await em.nativeUpdate(Team, { id: 1 }, { name: 'still not' })).toBe(1)
      expect(await em.nativeDelete(Team, { id: 1 })).toBe(1)
      expect(await audited.rows()).toEqual([])
    })

    it('match through a relation', async () => {
      await em.insert(Team, { id: 1, name: 'Engines' })
      await audited.sql('update team_member set team_id = 1 where id = 200')
      expect(await em.nativeUpdate(Member, { team: { name: 'Engines' } }, { name: 'x' })).toBe(1)
      expect((await audited.rows())[0]?.details).toMatchObject({ rows: 1, ids_digest: digestOf(200), where: ['team'] })
    })

    it('say of an expression only that it is one', async () => {
      await em.nativeUpdate(Member, { id: 33 }, { name: raw("name || '!'") as string })
      expect((await audited.rows())[0]?.details).toMatchObject({ changes: { name: { to: '[sql]' } } })
    })

    it('leave a row like any other for one insert', async () => {
      const id = await em.insert(Member, { name: 'new' })
      expect((await audited.rows()).map(brief)).toEqual([
        {
          event: 'entity_create',
          subject: { type: 'team_member', id: String(id) },
          details: { entity: 'TeamMember', changes: { name: { to: 'new' } } },
        },
      ])
    })

    it('leave a row with both columns of a key for one insert', async () => {
      await em.insert(Label, { list: 'x', text: 'c', colour: 'red' })
      await em.insert(em.create(Label, { list: 'x', text: 'd' }))
      expect((await audited.rows()).map(({ subject }) => subject?.id)).toEqual(['x~~~c', 'x~~~d'])
    })

    it('leave one row for many inserts, with ids that the database gave', async () => {
      await em.insertMany(Member, [{ name: 'a' }, { name: 'b', bio: 'x' }, { name: 'c' }])
      const ids = (await audited.sql("select id from team_member where name in ('a', 'b', 'c')")).map(({ id }) =>
        Number(id),
      )
      expect((await audited.rows()).map(({ details }) => details)).toEqual([
        { entity: 'TeamMember', rows: 3, ids_digest: digestOf(...ids), fields: ['bio', 'name'] },
      ])
    })

    it('leave one row for many inserts of entities, and of keys with two columns', async () => {
      await em.insertMany([
        em.create(Label, { list: 'x', text: 'b' }),
        em.create(Label, { list: 'x', text: 'a', colour: 'red' }),
      ])
      expect((await audited.rows()).map(({ details }) => details)).toEqual([
        { entity: 'Label', rows: 2, ids_digest: digestOf('x~~~a', 'x~~~b'), fields: ['colour'] },
      ])
      expect(await em.nativeDelete(Label, { list: 'x' })).toBe(2)
      expect((await audited.rows())[0]?.details).toMatchObject({ rows: 2, ids_digest: digestOf('x~~~a', 'x~~~b') })
    })

    it('leave a row for an upsert, which is an update, and one for many', async () => {
      const one = await em.upsert(Member, { id: 33, name: 'again' })
      expect(one.name).toBe('again')
      await em.upsertMany(Member, [
        { id: 200, name: 'x' },
        { id: 5000, name: 'y' },
      ])
      expect((await audited.rows()).map(brief)).toEqual([
        {
          event: 'entity_update',
          subject: { type: 'team_member', id: '33' },
          details: { entity: 'TeamMember', changes: { name: { to: 'again' } } },
        },
        {
          event: 'entity_update',
          subject: null,
          details: { entity: 'TeamMember', rows: 2, ids_digest: digestOf(200, 5000), fields: ['name'] },
        },
      ])
      one.name = 'managed'
      await em.flush()
      expect(await audited.rows()).toHaveLength(1)
    })

    it('leave the same rows when a query builder makes them', async () => {
      const own = em as unknown as PostgresEntityManager
      await own
        .createQueryBuilder(Member)
        .update({ name: 'q', passwordHash: 'x' })
        .where({ id: { $gt: 33 }, name: 'm' })
        .execute()
      await own.qb(Member).delete({ id: 33 }).execute()
      await own.qb(Member).insert({ id: 7000, name: 'i' }).execute()
      await own
        .qb(Label)
        .insert([
          { list: 'x', text: 'q' },
          { list: 'x', text: 'r' },
        ])
        .execute()
      await own.qb(Team).insert({ id: 3, name: 'not marked' }).execute()
      expect(await own.qb(Member).select('*').where({ name: 'q' }).getResultList()).toHaveLength(2)
      await own.qb(Member).update({ name: 'nobody' }).where({ id: 1 }).execute()
      expect((await audited.rows()).map(brief)).toEqual([
        {
          event: 'entity_update',
          subject: null,
          details: {
            entity: 'TeamMember',
            rows: 2,
            ids_digest: digestOf(200, 1000),
            changes: { name: { to: 'q' }, passwordHash: '[redacted]' },
            where: ['id', 'name'],
          },
        },
        {
          event: 'entity_delete',
          subject: null,
          details: { entity: 'TeamMember', rows: 1, ids_digest: digestOf(33), where: ['id'] },
        },
        {
          event: 'entity_create',
          subject: { type: 'team_member', id: '7000' },
          details: { entity: 'TeamMember', changes: { name: { to: 'i' } } },
        },
        {
          event: 'entity_create',
          subject: null,
          details: { entity: 'Label', rows: 2, ids_digest: digestOf('x~~~q', 'x~~~r'), fields: [] },
        },
      ])
    })

    it('are part of the transaction that is open', async () => {
      const work = audited.orm.em.transactional(async () => {
        await audited.orm.em.nativeDelete(Member, { id: 33 })
        throw new Error('undone')
      })
      await expect(work).rejects.toThrow('undone')
      expect(await audited.rows()).toEqual([])
      expect(audited.signals).toEqual([])
      expect(await audited.sql('select id from team_member where id = 33')).toHaveLength(1)
    })

    it('are undone where their row can not be written', async () => {
      await audited.sql("alter table audit_event add constraint no_bulk check (event <> 'entity_delete') not valid")
      await expect(em.nativeDelete(Member, { id: 33 })).rejects.toMatchObject({
        code: 'SINK_FAILED',
        cause: { code: '23514' },
      })
      await audited.sql('alter table audit_event drop constraint no_bulk')
      expect(await audited.sql('select id from team_member where id = 33')).toHaveLength(1)
    })

    it.runIf(name === 'PostgreSQL')('count what still matches when the lock of somebody else is gone', async () => {
      let bulk: Promise<number> | undefined
      await audited.orm.em.fork().transactional(async (other) => {
        await other
          .getConnection()
          .execute("update team_member set name = 'gone' where id = 200", [], 'run', other.getTransactionContext())
        bulk = em.nativeUpdate(Member, { name: 'm' }, { bio: 'x' })
        await expect
          .poll(() =>
            audited.sql(
              'select 1 from pg_locks l join pg_stat_activity a using (pid) where not granted and datname = current_database()',
            ),
          )
          .toHaveLength(1)
      })
      expect(await bulk).toBe(2)
      expect((await audited.rows())[0]?.details).toMatchObject({ rows: 2, ids_digest: digestOf(33, 1000) })
    })

    it('may run at the same time, on one entity manager', async () => {
      await Promise.all([33, 200, 1000].map((id) => em.nativeUpdate(Member, { id }, { name: `n${id}` })))
      expect(
        (await audited.rows()).map(({ details }) => (details as { ids_digest?: string }).ids_digest).sort(),
      ).toEqual([33, 200, 1000].map((id) => digestOf(id)).sort())
    })
  })
}

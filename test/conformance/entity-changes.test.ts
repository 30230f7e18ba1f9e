import { auditEntityChanges, auditedEntity } from '@countersign/adapters/mikro-orm'
import { type AuditRow, actAs, runInContext } from '@countersign/core'
import { AuditEvent } from '@countersign/mixins'
import { type EntityManager, RequestContext } from '@mikro-orm/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type AuditedEntities, auditedEntities, Label, Member, Team } from '../support/audited-entities.js'
import { pgliteDatabase, postgresAvailable, postgresDatabase } from '../support/databases.js'

const databases = [
  { name: 'PGlite', open: pgliteDatabase, here: true },
  { name: 'PostgreSQL', open: postgresDatabase, here: await postgresAvailable() },
]
const brief = ({ event, subject, details }: AuditRow) => ({ event, subject, details })

for (const { name, open, here } of databases) {
  describe.runIf(here)(`changes of entities on ${name}`, () => {
    let audited: AuditedEntities
    let em: EntityManager
    const ada = { name: 'Ada', email: 'ada@example.com', passwordHash: 'first' }
    /** A member that is there, and whose row is read. */
    const member = async (more: object = {}) => {
      const one = em.create(Member, { ...ada, ...more })
      await em.flush()
      await audited.rows()
      audited.signals.length = 0
      return one
    }
    beforeAll(async () => {
      audited = await auditedEntities(await open())
    })
    beforeEach(async () => {
      em = audited.orm.em.fork()
      await audited.rows()
      audited.signals.length = 0
    })
    afterAll(() => audited.close())

    it('leave a row for what is created, with its id', async () => {
      const one = em.create(Member, { ...ada, joinedAt: new Date('2026-01-02T03:04:05Z') })
      await em.flush()
      const [row, ...others] = await audited.rows()
      expect(others).toEqual([])
      expect(brief(row as AuditRow)).toEqual({
        event: 'entity_create',
        subject: { type: 'team_member', id: String(one.id) },
        details: {
          entity: 'TeamMember',
          changes: {
            name: { to: 'Ada' },
            email: { to: { masked: 'a***@e***.com', hash: audited.trail.identifierHash('ada@example.com') } },
            passwordHash: '[redacted]',
            joinedAt: { to: '2026-01-02T03:04:05.000Z' },
          },
        },
      })
      expect(audited.signals.map(({ row }) => row.id)).toEqual([row?.id])
    })

    it('leave a row for what is updated, with what it was and is', async () => {
      const one = await member()
      const team = em.create(Team, { name: 'Engines' })
      Object.assign(one, {
        name: 'Ada L.',
        passwordHash: 'second',
        email: 'al@example.com',
        updatedAt: new Date(),
        team,
      })
      await em.flush()
      expect((await audited.rows()).map(brief)).toEqual([
        {
          event: 'entity_update',
          subject: { type: 'team_member', id: String(one.id) },
          details: {
            entity: 'TeamMember',
            changes: {
              name: { from: 'Ada', to: 'Ada L.' },
              passwordHash: '[redacted]',
              email: {
                from: { masked: 'a***@e***.com', hash: audited.trail.identifierHash('ada@example.com') },
                to: { masked: 'a***@e***.com', hash: audited.trail.identifierHash('al@example.com') },
              },
              team: { from: null, to: team.id },
            },
          },
        },
      ])
    })

    it('leave a row for what is deleted', async () => {
      const one = await member()
      const id = String(one.id)
      await em.remove(one).flush()
      expect((await audited.rows()).map(brief)).toEqual([
        { event: 'entity_delete', subject: { type: 'team_member', id }, details: { entity: 'TeamMember' } },
      ])
    })

    it('leave no row where nothing changed, or nothing that is recorded', async () => {
      const one = await member()
      one.name = 'Ada'
      await em.flush()
      one.updatedAt = new Date()
      await em.flush()
      em.create(Team, { name: 'not marked' })
      await em.flush()
      expect(await audited.rows()).toEqual([])
    })

    it('never bear what sounds like a secret, and are bounded', async () => {
      const one = await member({ apiToken: 'old-and-long-enough', bio: 'short' })
      Object.assign(one, { apiToken: 'new-and-long-enough', bio: 'long'.repeat(10_000) })
      await em.flush()
      const text = JSON.stringify(await audited.rows())
      expect(text).toContain('"apiToken":"[redacted]"')
      expect(text).not.toContain('long-enough')
      expect(text.length).toBeLessThan(4000)
    })

    it('of a class with a key of two columns have both in the subject', async () => {
      em.create(Label, { list: 'todo', text: `red-${name}`, colour: 'red' })
      await em.flush()
      expect((await audited.rows()).map(({ subject }) => subject)).toEqual([
        { type: 'label', id: `todo~~~red-${name}` },
      ])
    })

    it('leave neither row nor signal when they are rolled back', async () => {
      const work = em.transactional(async (own) => {
        own.create(Member, ada)
        await own.flush()
        expect(await own.count(Member, { name: 'Ada' })).toBeGreaterThan(0)
        throw new Error('undone')
      })
      await expect(work).rejects.toThrow('undone')
      expect(await audited.rows()).toEqual([])
      expect(audited.signals).toEqual([])
    })

    it('leave neither where the flush fails', async () => {
      em.create(Member, ada)
      em.create(Member, { ...ada, team: em.getReference(Team, 1_000_000) })
      await expect(em.flush()).rejects.toMatchObject({ code: '23503' })
      expect(await audited.rows()).toEqual([])
      expect(audited.signals).toEqual([])
    })

    it('are undone where their row can not be written', async () => {
      await audited.sql("alter table audit_event add constraint no_eve check (details::text not like '%Eve%')")
      em.create(Member, { name: 'Eve' })
      await expect(em.flush()).rejects.toMatchObject({ code: 'SINK_FAILED', cause: { code: '23514' } })
      await audited.sql('alter table audit_event drop constraint no_eve')
      expect(await audited.sql("select 1 from team_member where name = 'Eve'")).toEqual([])
    })

    it('are announced after the commit of the outermost transaction, without those of an undone savepoint', async () => {
      await em.transactional(async (outer) => {
        outer.create(Member, { name: 'kept' })
        await outer.transactional(async (inner) => void inner.create(Member, { name: 'kept too' }))
        const undone = outer.transactional(async (inner) => {
          inner.create(Member, { name: 'undone' })
          await inner.flush()
          throw new Error('undone')
        })
        await expect(undone).rejects.toThrow('undone')
        expect(audited.signals).toEqual([])
      })
      const names = (await audited.rows()).map(({ details }) => JSON.stringify(details))
      expect(names).toHaveLength(2)
      expect(names.join()).not.toContain('undone')
      expect(audited.signals).toHaveLength(2)
    })

    it('are counted with the rows of the trail', async () => {
      const before = audited.trail.counts.recorded
      await member()
      expect(audited.trail.counts.recorded).toBe(before + 1)
    })

    it('bear the request and whoever acts in it', async () => {
      await runInContext({ requestId: 'request-7', address: '192.0.2.7' }, () =>
        RequestContext.create(audited.orm.em, async () => {
          audited.orm.em.create(Member, { name: 'in a request' })
          await audited.orm.em.flush()
        }),
      )
      const sealed = runInContext(
        { requestId: 'request-8', initiator: { actor: { type: 'user', id: '8' } } },
        async () => {
          em.create(Member, { name: 'of somebody' })
          await em.flush()
        },
      )
      await sealed
      expect(await audited.rows()).toMatchObject([
        { requestId: 'request-7', address: '192.0.2.7', actor: { type: 'anonymous' } },
        { requestId: 'request-8', actor: { type: 'user', id: '8' } },
      ])
    })

    it('bear the actor of the audited call that they are part of, by then', async () => {
      class MemberController {
        static readonly className = 'MemberController'
        static readonly actor = () => null
        static readonly trail = audited.trail
        @AuditEvent('profile_update')
        async rename(): Promise<void> {
          actAs({ id: '9', label: 'Ada' })
          em.create(Member, { name: 'by Ada' })
          await em.flush()
        }
      }
      await new MemberController().rename()
      expect(await audited.rows()).toMatchObject([
        { event: 'profile_update', actor: { type: 'user', id: '9' } },
        { event: 'entity_create', actor: { type: 'user', id: '9', label: 'Ada' } },
      ])
    })

    it('of parallel requests do not mix', async () => {
      const request = (requestId: string) =>
        runInContext({ requestId }, () =>
          RequestContext.create(audited.orm.em, async () => {
            audited.orm.em.create(Member, { name: requestId })
            await audited.orm.em.flush()
          }),
        )
      await Promise.all(['a', 'b', 'c', 'd'].map(request))
      const rows = await audited.rows()
      expect(rows).toHaveLength(4)
      for (const { requestId, details } of rows) expect(JSON.stringify(details)).toContain(`{"to":"${requestId}"}`)
    })

    it('are refused where a field is no property, or the class no entity', () => {
      const { orm, trail } = audited
      const unknown = ['pasword'] as never[]
      expect(() => auditEntityChanges(orm, trail, { entities: [auditedEntity(Member, { secrets: unknown })] })).toThrow(
        /TeamMember has no property 'pasword'.*Write one of: id, name/,
      )
      class Stranger {}
      expect(() => auditEntityChanges(orm, trail, { entities: [auditedEntity(Stranger)] })).toThrow('is no entity')
    })
  })
}

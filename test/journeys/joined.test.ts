import 'reflect-metadata'
import { type MikroOrmSinkOptions, mikroOrmReader, mikroOrmSink } from '@countersign/adapters/mikro-orm'
import { auditedControllers } from '@countersign/adapters/routing-controllers'
import { type AuditReader, type AuditTrail, createAuditTrail, runInContext } from '@countersign/core'
import { fileSpool } from '@countersign/core/spool'
import { AbstractSignalMixin, AuditEvent } from '@countersign/mixins'
import type { SqlEntityManager } from '@mikro-orm/postgresql'
import { JsonController, Post, Res } from 'routing-controllers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { pgliteDatabase, postgresAvailable, postgresDatabase, type TestDatabase } from '../support/databases.js'
import { type AnyResponse, drivers, setStatus } from '../support/drivers.js'
import { freshFolder } from '../support/fresh-folder.js'
import { post, type Served } from '../support/serve.js'

const actor = () => null
const refused = Object.assign(new Error('taken'), { httpCode: 409, reason: 'conflict' })
const databases = [
  { name: 'PGlite', open: pgliteDatabase, here: true },
  { name: 'PostgreSQL', open: postgresDatabase, here: await postgresAvailable() },
]
const options: MikroOrmSinkOptions = {}

for (const { driver, name, open, here } of drivers.flatMap((driver) =>
  databases.map((database) => ({ driver, ...database })),
)) {
  describe.runIf(here)(`a joined event, on ${driver.name} and ${name}`, () => {
    let database: TestDatabase
    let reader: AuditReader & { close(): Promise<void> }
    let trail: AuditTrail
    let served: Served
    let heard: string[] = []
    const execute = (statement: string) => (database.orm.em as SqlEntityManager).execute(statement)
    const admin = (statement: string) => database.orm.em.getDriver().getConnection().execute(statement)
    const changes = async () => (await admin('select id from business order by id')).map(({ id }: { id: string }) => id)
    const rows = async (event = 'profile_update') =>
      (await reader.find({ event: event as 'profile_update' })).items
        .map(({ outcome, reason, status }) => ({ outcome, reason, status }))
        .reverse()

    beforeAll(async () => {
      database = await open()
      await admin('create table business (id text primary key, twin text unique deferrable initially deferred)')
      reader = mikroOrmReader(database.orm)
      trail = createAuditTrail({
        sink: mikroOrmSink(database.orm, options),
        spool: fileSpool({ folder: freshFolder() }),
        policies: {
          profile_update: { delivery: 'joined', unreachable: 'closed' },
          email_change: { delivery: 'joined' },
        },
      })
      trail.signals.on('*', ({ row: { event, outcome } }) => heard.push(`${event} ${outcome}`))
      trail.signals.on('fault', ({ error }) => heard.push(error.code))

      class ByHand extends AbstractSignalMixin(class {}) {
        static readonly className = 'ByHand'
        static readonly actor = actor
        async change() {
          return this.audited('email_change', {}, async () => {
            await execute("insert into business values ('inner')")
            return 'changed'
          })
        }
      }

      @JsonController()
      class Profiles {
        static readonly className = 'Profiles'
        static readonly actor = actor

        @AuditEvent('profile_update')
        @Post('/done')
        async done() {
          await execute("insert into business values ('done')")
          return { ok: true }
        }

        @AuditEvent('profile_update')
        @Post('/nested')
        async nested() {
          await database.orm.em.transactional(async () => execute("insert into business values ('nested')"))
          return { ok: true }
        }

        @AuditEvent('profile_update')
        @Post('/thrown')
        async thrown() {
          await execute("insert into business values ('thrown')")
          throw refused
        }

        @AuditEvent('profile_update')
        @Post('/set')
        async set(@Res() response: AnyResponse) {
          await execute("insert into business values ('set')")
          setStatus(response, 422)
          return { no: true }
        }

        @AuditEvent('profile_update')
        @Post('/returned')
        async returned() {
          await execute("insert into business values ('returned')")
          return { status: 403 }
        }

        @AuditEvent('profile_update')
        @Post('/swallowed')
        async swallowed() {
          await execute("insert into business values ('swallowed')")
          await execute('select 1 / 0').catch(() => undefined)
          return { ok: true }
        }

        @AuditEvent('profile_update')
        @Post('/commit')
        async commit() {
          await execute("insert into business values ('one', 'same')")
          await execute("insert into business values ('two', 'same')")
          return { ok: true }
        }

        @AuditEvent('profile_update')
        @AuditEvent('logout')
        @Post('/both')
        async both() {
          await execute("insert into business values ('both')")
          return { ok: true }
        }

        @AuditEvent('profile_update')
        @Post('/beside')
        async beside() {
          await database.orm.em.fork().transactional(async (em) => (em as SqlEntityManager).execute('select 1'))
          return { ok: true }
        }

        @AuditEvent('logout')
        @Post('/around')
        async around() {
          await database.orm.em.transactional(async () => {
            await new ByHand().change()
            throw refused
          })
        }

        @AuditEvent('logout')
        @Post('/hand')
        async hand() {
          return { is: await new ByHand().change() }
        }
      }
      served = await driver.serve(auditedControllers(trail, [Profiles]))
    })
    afterEach(async () => {
      await admin('delete from business')
      heard = []
    })
    afterAll(async () => {
      await served.close()
      await trail.close()
      await reader.close()
      await database.close()
    })

    const last = async (event?: string) => (await rows(event)).at(-1)
    const count = async () => (await rows()).length

    it('is stored with what the handler changed, and announced when both are committed', async () => {
      const before = await count()
      expect((await post(`${served.url}/done`, {})).status).toBe(200)
      expect(await changes()).toEqual(['done'])
      expect(await last()).toEqual({ outcome: 'success', reason: null, status: null })
      expect((await count()) - before).toBe(1)
      expect(heard).toEqual(['profile_update success'])
    })

    it('has the handler’s own transaction nested in it', async () => {
      expect((await post(`${served.url}/nested`, {})).status).toBe(200)
      expect([await changes(), heard]).toEqual([['nested'], ['profile_update success']])
    })

    it.each([
      ['thrown', 409, 'conflict'],
      ['set', 422, 'unprocessable'],
    ])('is undone by a refusal that was %s, which leaves a failure', async (path, status, reason) => {
      const before = await count()
      expect((await post(`${served.url}/${path}`, {})).status).toBe(status)
      expect(await changes()).toEqual([])
      expect(await last()).toEqual({ outcome: 'failure', reason, status })
      expect([(await count()) - before, heard]).toEqual([1, ['profile_update failure']])
    })

    it('is undone where what was returned says that it was refused', async () => {
      await post(`${served.url}/returned`, {})
      expect(await changes()).toEqual([])
      expect(heard).toHaveLength(1)
    })

    it.each([
      ['a swallowed error of the database', 'swallowed'],
      ['a commit that fails', 'commit'],
    ])('is undone by %s, refused with 503, and leaves a failure', async (_, path) => {
      const before = await count()
      expect((await post(`${served.url}/${path}`, {})).status).toBe(503)
      expect(await changes()).toEqual([])
      expect(await last()).toEqual({ outcome: 'failure', reason: 'unavailable', status: 503 })
      expect([(await count()) - before, heard]).toEqual([1, ['profile_update failure']])
    })

    it('does not take a second event of the method along, which has its own policy', async () => {
      expect((await post(`${served.url}/both`, {})).status).toBe(200)
      expect(await changes()).toEqual(['both'])
      expect(heard.sort()).toEqual(['logout success', 'profile_update success'])
    })

    it('is nested in what runs around it, and leaves a failure where that is rolled back', async () => {
      expect((await post(`${served.url}/around`, {})).status).toBe(409)
      expect(await changes()).toEqual([])
      await expect.poll(() => last('email_change')).toMatchObject({ outcome: 'failure', reason: 'rolled_back' })
      expect(heard.sort()).toEqual(['email_change failure', 'logout failure'])
    })

    it('may be audited by hand', async () => {
      expect((await post(`${served.url}/hand`, {})).status).toBe(200)
      expect(await changes()).toEqual(['inner'])
      expect(heard.sort()).toEqual(['email_change success', 'logout success'])
    })

    it('may be recorded by hand inside a transaction, and stands or falls with it', async () => {
      const recordIn = (fails: boolean) =>
        database.orm.em.transactional(async () => {
          await execute("insert into business values ('recorded')")
          await runInContext({}, () => trail.record('email_change'), { trail })
          if (fails) throw refused
        })
      const before = (await rows('email_change')).length
      await expect(recordIn(true)).rejects.toBe(refused)
      expect([await changes(), heard, (await rows('email_change')).length - before]).toEqual([[], [], 0])
      await recordIn(false)
      expect([await changes(), heard, (await rows('email_change')).length - before]).toEqual([
        ['recorded'],
        ['email_change success'],
        1,
      ])
    })

    it('tells of a handler that begins a transaction of its own beside it', async () => {
      await post(`${served.url}/beside`, {})
      expect(heard).toContain('TRANSACTION_ESCAPED')
    })

    it('is refused with 503 while its row can not be written, and nothing of it remains', async () => {
      await admin('alter table audit_event rename to audit_event_away')
      expect((await post(`${served.url}/done`, {})).status).toBe(503)
      expect(await changes()).toEqual([])
      await admin('alter table audit_event_away rename to audit_event')
      await expect.poll(() => trail.health, { timeout: 10_000 }).toMatchObject({ reachable: true, spooledRows: 0 })
      expect((await rows()).at(-1)).toEqual({ outcome: 'failure', reason: 'unavailable', status: 503 })
    })
  })
}

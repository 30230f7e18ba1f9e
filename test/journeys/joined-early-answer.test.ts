import 'reflect-metadata'
import { mikroOrmReader, mikroOrmSink } from '@countersign/adapters/mikro-orm'
import { auditedControllers } from '@countersign/adapters/routing-controllers'
import { type AuditReader, type AuditTrail, createAuditTrail } from '@countersign/core'
import { AuditEvent } from '@countersign/mixins'
import type { SqlEntityManager } from '@mikro-orm/postgresql'
import { JsonController, Post, Res } from 'routing-controllers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { pgliteDatabase, postgresAvailable, postgresDatabase, type TestDatabase } from '../support/databases.js'
import { type AnyResponse, drivers, outgoingOf, send } from '../support/drivers.js'
import { nextTurn } from '../support/recording.js'
import { post, type Served } from '../support/serve.js'

const databases = [
  { name: 'PGlite', open: pgliteDatabase, here: true },
  { name: 'PostgreSQL', open: postgresDatabase, here: await postgresAvailable() },
]

for (const { driver, name, open, here } of drivers.flatMap((driver) =>
  databases.map((database) => ({ driver, ...database })),
)) {
  describe.runIf(here)(`a joined handler that answers by itself, on ${driver.name} and ${name}`, () => {
    let database: TestDatabase
    let reader: AuditReader & { close(): Promise<void> }
    let trail: AuditTrail
    let served: Served
    let heard: string[] = []
    let proceed: (() => void) | undefined
    const execute = (statement: string) => (database.orm.em as SqlEntityManager).execute(statement)
    const admin = (statement: string) => database.orm.em.getDriver().getConnection().execute(statement)
    const changes = async () => (await admin('select id from business order by id')).map(({ id }: { id: string }) => id)
    const last = async () => (await reader.find({ event: 'profile_update' })).items[0]

    beforeAll(async () => {
      database = await open()
      await admin('create table business (id text primary key, twin text unique deferrable initially deferred)')
      reader = mikroOrmReader(database.orm)
      trail = createAuditTrail({
        sink: mikroOrmSink(database.orm),
        policies: { profile_update: { delivery: 'joined', unreachable: 'closed' } },
      })
      trail.signals.on('*', ({ row: { event, outcome } }) => heard.push(`${event} ${outcome}`))
      trail.signals.on('fault', ({ error }) => heard.push(error.code))

      @JsonController()
      class Profiles {
        static readonly className = 'Profiles'
        static readonly actor = () => null

        @AuditEvent('profile_update')
        @Post('/done')
        async done(@Res() response: AnyResponse) {
          await execute("insert into business values ('done')")
          return send(response, 200, { ok: true })
        }

        @AuditEvent('profile_update')
        @Post('/commit')
        async commit(@Res() response: AnyResponse) {
          await execute("insert into business values ('one', 'same')")
          await execute("insert into business values ('two', 'same')")
          return send(response, 200, { ok: true })
        }

        @AuditEvent('profile_update')
        @Post('/thrown')
        async thrown(@Res() response: AnyResponse) {
          await execute("insert into business values ('thrown')")
          send(response, 200, { ok: true })
          await nextTurn()
          throw new Error('after the answer')
        }

        @AuditEvent('profile_update')
        @Post('/slow')
        async slow(@Res() response: AnyResponse) {
          await execute("insert into business values ('slow')")
          send(response, 200, { ok: true })
          await new Promise<void>((resolve) => {
            proceed = resolve
          })
          return response
        }

        @AuditEvent('profile_update')
        @Post('/timeout')
        async timeout(@Res() response: AnyResponse) {
          await execute("insert into business values ('timeout')")
          // As a time-out of somebody else's would, on the raw response.
          const outgoing = outgoingOf(response)
          outgoing.statusCode = 503
          outgoing.end('too late')
          await nextTurn()
          return response
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

    it('is answered when both are committed', async () => {
      const response = await post(`${served.url}/done`, {})
      expect([response.status, await response.json()]).toEqual([200, { ok: true }])
      expect([await changes(), heard]).toEqual([['done'], ['profile_update success']])
    })

    it.each(['commit', 'thrown'])(
      'and is undone afterwards (%s) has no client that was told of success',
      async (path) => {
        const status = await post(`${served.url}/${path}`, {}).then(
          (response) => response.status,
          () => 'cut off',
        )
        expect(status === 'cut off' || (status as number) >= 400, String(status)).toBe(true)
        expect(await changes()).toEqual([])
        await expect.poll(() => heard).toEqual(['profile_update failure'])
        expect(await last()).toMatchObject({ outcome: 'failure' })
      },
    )

    it('keeps its answer until the transaction has ended', async () => {
      let answered = false
      const answer = post(`${served.url}/slow`, {}).then((response) => {
        answered = true
        return response.status
      })
      await expect.poll(() => proceed).toBeDefined()
      for (let turn = 0; turn < 50; turn++) await nextTurn()
      expect([answered, heard]).toEqual([false, []])
      proceed?.()
      expect(await answer).toBe(200)
      expect([await changes(), heard]).toEqual([['slow'], ['profile_update success']])
    })

    it('with a failure leaves one row, which says what became of the change', async () => {
      const response = await post(`${served.url}/timeout`, {}).catch(() => undefined)
      expect(response?.status ?? 503).toBe(503)
      await expect.poll(() => heard).toHaveLength(1)
      const row = await last()
      const isThere = (await changes()).length === 1
      expect(row?.outcome).toBe(isThere ? 'success' : 'failure')
      expect(heard).toEqual([`profile_update ${row?.outcome}`])
    })
  })
}

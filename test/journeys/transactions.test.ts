import 'reflect-metadata'
import { mikroOrmReader, mikroOrmSink } from '@countersign/adapters/mikro-orm'
import { auditedControllers } from '@countersign/adapters/routing-controllers'
import { type AuditReader, type AuditSink, type AuditTrail, createAuditTrail } from '@countersign/core'
import { AuditEvent, withFailedResetAudit, withLoginAudit } from '@countersign/mixins'
import { JsonController, Post } from 'routing-controllers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pgliteDatabase, postgresAvailable, postgresDatabase, type TestDatabase } from '../support/databases.js'
import { drivers } from '../support/drivers.js'
import { slowSink } from '../support/recording.js'
import { post, type Served } from '../support/serve.js'

const actor = () => null
const databases = [
  { name: 'PGlite', open: pgliteDatabase, here: true },
  { name: 'PostgreSQL', open: postgresDatabase, here: await postgresAvailable() },
]

for (const { driver, name, open, here } of drivers.flatMap((driver) =>
  databases.map((database) => ({ driver, ...database })),
)) {
  describe.runIf(here)(`handlers with transactions, on ${driver.name} and ${name}`, () => {
    let database: TestDatabase
    let sink: AuditSink
    let reader: AuditReader & { close(): Promise<void> }
    let trail: AuditTrail
    let served: Served
    const execute = (statement: string) => database.orm.em.getDriver().getConnection().execute(statement)
    const business = async () => Number((await execute('select count(*)::int as n from business'))[0].n)
    const em = () =>
      database.orm.em.fork() as unknown as {
        transactional<T>(run: (em: { execute(sql: string): Promise<unknown> }) => Promise<T>): Promise<T>
      }

    class Ledger {
      async post() {
        return { noted: true }
      }
    }
    class LedgerService extends withFailedResetAudit(Ledger) {
      static readonly className = 'LedgerService'
      static readonly actor = actor
    }

    beforeAll(async () => {
      database = await open()
      await execute('create table business (id int)')
      sink = mikroOrmSink(database.orm)
      reader = mikroOrmReader(database.orm)
      trail = createAuditTrail({ sink })

      @JsonController()
      class Orders {
        static readonly className = 'Orders'
        static readonly actor = actor

        @AuditEvent('profile_update')
        @Post('/failing')
        async failing() {
          return em().transactional(async (transaction) => {
            await transaction.execute('insert into business values (1)')
            throw Object.assign(new Error('no'), { httpCode: 409, reason: 'taken' })
          })
        }

        @AuditEvent('profile_update')
        @Post('/nested')
        async nested() {
          return em().transactional(async (transaction) => {
            await transaction.execute('insert into business values (2)')
            return new LedgerService().post()
          })
        }
      }
      served = await driver.serve(auditedControllers(trail, [Orders]))
    })
    afterAll(async () => {
      await served.close()
      await trail.close()
      await reader.close()
      await database.close()
    })

    it('leave the failure row when they roll back, and nothing else', async () => {
      expect((await post(`${served.url}/failing`, {})).status).toBe(409)
      expect(await business()).toBe(0)
      const { items } = await reader.find({ event: 'profile_update', outcome: 'failure' })
      expect(items).toMatchObject([{ reason: 'taken', status: 409 }])
    })

    it('may call audited services inside: their rows are stored when the transaction has ended', async () => {
      expect((await post(`${served.url}/nested`, {})).status).toBe(200)
      expect(await business()).toBe(1)
      const { items } = await reader.find({ event: 'password_reset_request' })
      expect(items).toMatchObject([{ outcome: 'success', className: 'LedgerService', route: '/nested' }])
    })

    it('may be services that nothing audited calls: a single connection does not wait for itself', async () => {
      class Standalone extends withLoginAudit(Ledger) {
        static readonly className = 'Standalone'
        static readonly actor = actor
        static readonly trail = trail
      }
      await em().transactional(async () => new Standalone().post())
      await trail.settled()
      expect((await reader.find({ event: 'login' })).items).toMatchObject([{ className: 'Standalone' }])
    })

    it('are not seen by subscribers, who run in nobody’s transaction', async () => {
      const seen: boolean[] = []
      const off = trail.signals.on('*', async () => {
        seen.push(database.orm.em.isInTransaction())
        await execute('insert into business values (3)')
      })
      const before = await business()
      await post(`${served.url}/failing`, {})
      await post(`${served.url}/nested`, {})
      off()
      await expect.poll(business).toBe(before + 4)
      expect(seen).toEqual([false, false, false])
    })
  })
}

@JsonController()
class Shop {
  static readonly className = 'Shop'
  static readonly actor = actor
  @AuditEvent('profile_update')
  @Post('/order')
  async order() {
    return { ok: true }
  }
}

describe.each(drivers)('a store, on $name', (driver) => {
  it('that can’t take a row costs the row, counted and signalled, and not the answer', async () => {
    const broken: AuditSink = { name: 'broken', write: () => Promise.reject(new Error('disk full')) }
    const trail = createAuditTrail({ sink: broken })
    const losses: unknown[] = []
    trail.signals.on('loss', ({ row, cause }) => losses.push([row.event, String(cause)]))
    trail.signals.on('fault', ({ error }) => losses.push(error.code))
    const served = await driver.serve(auditedControllers(trail, [Shop]))
    const response = await post(`${served.url}/order`, {})
    expect(await response.json()).toEqual({ ok: true })
    expect(trail.counts).toEqual({ recorded: 0, vetoed: 0, lost: 1 })
    expect(losses).toEqual([['profile_update', 'Error: disk full'], 'ROW_LOST'])
    await served.close()
  })

  it('that is slow has the row before the response leaves', async () => {
    const events: string[] = []
    const slow = slowSink(() => events.push('stored'))
    const served = await driver.serve(auditedControllers(createAuditTrail({ sink: slow }), [Shop]))
    await post(`${served.url}/order`, {})
    events.push('answered')
    expect(events).toEqual(['stored', 'answered'])
    await served.close()
  })
})

import 'reflect-metadata'
import { mikroOrmReader, mikroOrmSink } from '@countersign/adapters/mikro-orm'
import { auditedControllers, safeDefaults } from '@countersign/adapters/routing-controllers'
import {
  type AuditError,
  type AuditReader,
  type AuditSignal,
  type AuditTrail,
  createAuditTrail,
} from '@countersign/core'
import { AuditEvent } from '@countersign/mixins'
import { createExpressServer, HttpCode, JsonController, Post } from 'routing-controllers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { pgliteDatabase, postgresAvailable, postgresDatabase, type TestDatabase } from '../support/databases.js'
import { nextTurn } from '../support/recording.js'
import { post, type Served, serve } from '../support/serve.js'

type Subscriber = (signal: AuditSignal) => unknown
interface Sql {
  execute(statement: string, parameters?: unknown[]): Promise<Array<Record<string, unknown>>>
  transactional<T>(run: (em: Sql) => Promise<T>): Promise<T>
}

const never = new Promise<never>(() => undefined)
const databases = [
  { name: 'PGlite', open: pgliteDatabase, here: true },
  { name: 'PostgreSQL', open: postgresDatabase, here: await postgresAvailable() },
]

for (const { name, open, here } of databases) {
  describe.runIf(here)(`subscribers of a server, on ${name}`, () => {
    let database: TestDatabase
    let trail: AuditTrail
    let reader: AuditReader & { close(): Promise<void> }
    let served: Served
    let faults: AuditError[]
    /** The newest row of the tests before: no row of a trail can be deleted. */
    let last: string
    const unhandled: unknown[] = []
    const noteUnhandled = (cause: unknown): void => void unhandled.push(cause)
    const em = (): Sql => database.orm.em.fork() as unknown as Sql

    @JsonController()
    class Session {
      static readonly className = 'Session'
      static readonly actor = () => null

      @AuditEvent('login')
      @HttpCode(201)
      @Post('/in')
      async enter() {
        return { hello: 'Ada' }
      }

      @AuditEvent('login')
      @Post('/refused')
      async refuse() {
        throw Object.assign(new Error('no'), { httpCode: 401, reason: 'bad_credentials' })
      }

      @AuditEvent('login')
      @Post('/transaction')
      async transaction() {
        return em().transactional(async (transaction) => {
          await transaction.execute("insert into note (id) values ('handler')")
          await trail.record('profile_update')
          await nextTurn()
          return { noted: true }
        })
      }
    }

    beforeAll(async () => {
      database = await open()
      reader = mikroOrmReader(database.orm)
      await em().execute('create table note (id text primary key)')
      process.on('unhandledRejection', noteUnhandled)
    })
    afterAll(async () => {
      process.off('unhandledRejection', noteUnhandled)
      await reader.close()
      await database.close()
    })

    beforeEach(async () => {
      await em().execute('delete from note')
      last = (await reader.find({ limit: 1 })).items[0]?.id ?? ''
      trail = createAuditTrail({ sink: mikroOrmSink(database.orm) })
      faults = []
      unhandled.length = 0
      const app = createExpressServer({ ...safeDefaults, controllers: auditedControllers(trail, [Session]) })
      served = await serve(app)
    })
    afterEach(async () => {
      await served.close()
      await trail.close()
    })

    const attempt = async (path: string) => {
      const response = await post(`${served.url}${path}`, {})
      const body = (await response.text()).replace(/"request_id":"[^"]+"/, '"request_id":"…"')
      return { status: response.status, type: response.headers.get('content-type'), body }
    }
    const rows = async () => {
      const { items } = await reader.find({ limit: 500 })
      return items.filter(({ id }) => id > last).map(({ event, outcome }) => `${event} ${outcome}`)
    }
    const notes = async () => (await em().execute('select id from note order by id')).map(({ id }) => id)
    const listenToFaults = () => {
      // Those of this test: what an earlier one started may still fail.
      const own = faults
      trail.signals.on('fault', ({ error }) => own.push(error))
    }

    const kinds: Array<{ kind: string; subscriber: Subscriber; fails: string | null; noted?: true }> = [
      {
        kind: 'throws',
        subscriber: () => {
          throw new Error('thrown')
        },
        fails: 'thrown',
      },
      { kind: 'rejects', subscriber: () => Promise.reject(new Error('rejected')), fails: 'rejected' },
      {
        kind: 'rejects when the request is over',
        subscriber: async () => {
          await nextTurn()
          throw new Error('rejected late')
        },
        fails: 'rejected late',
      },
      { kind: 'never resolves', subscriber: () => never, fails: null },
      {
        kind: 'writes to the same database',
        subscriber: ({ row }) => em().execute('insert into note (id) values (?)', [row.id]),
        fails: null,
        noted: true,
      },
      {
        kind: 'writes in a transaction of its own',
        subscriber: ({ row }) =>
          em().transactional(async (transaction) => {
            await transaction.execute('insert into note (id) values (?)', [row.id])
            await nextTurn()
            await transaction.execute('select count(*) from audit_event')
          }),
        fails: null,
        noted: true,
      },
      {
        kind: 'writes what the database refuses',
        subscriber: () => em().execute('insert into note (id) values (null)'),
        fails: 'null value in column',
      },
    ]

    describe.each(kinds)('one that $kind', ({ subscriber, fails, noted }) => {
      it.each(['/in', '/refused'])(
        'harms neither the response to %s, nor its row, nor other subscribers',
        async (path) => {
          listenToFaults()
          const without = await attempt(path)
          trail.signals.on('login', subscriber)
          const heard: string[] = []
          trail.signals.on('login', ({ row }) => heard.push(row.outcome))
          trail.signals.on('*', ({ name: event }) => heard.push(event))

          // Its promise is awaited here: a response that waited for the one that hangs would never come.
          expect(await attempt(path)).toEqual(without)
          const outcome = path === '/in' ? 'success' : 'failure'
          expect(await rows()).toEqual([`login ${outcome}`, `login ${outcome}`])
          expect(heard).toEqual([outcome, 'login'])

          await expect.poll(() => faults).toHaveLength(fails === null ? 0 : 1)
          for (const { code, cause } of faults) {
            expect(code).toBe('SUBSCRIBER_FAILED')
            expect((cause as Error).message).toContain(fails)
          }
          expect(await attempt(path), 'nor the one after it').toEqual(without)
          if (noted) await expect.poll(notes).toHaveLength(2)
          expect(trail.counts).toEqual({ recorded: 3, vetoed: 0, lost: 0 })
          expect(unhandled).toEqual([])
        },
      )

      it('does not hold up the end of the trail', async () => {
        listenToFaults()
        trail.signals.on('login', subscriber)
        await attempt('/in')
        await trail.settled()
        await trail.close()
        expect(await rows()).toEqual(['login success'])
      })
    })

    it('all of them at once change nothing for forty requests at once', async () => {
      listenToFaults()
      for (const { subscriber } of kinds) trail.signals.on('login', subscriber)
      const answers = await Promise.all(Array.from({ length: 40 }, () => attempt('/in')))
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(40)
      expect(await rows()).toHaveLength(40)
      const failing = kinds.filter(({ fails }) => fails !== null).length
      // Two subscribers note the same row: the second of the two is refused by the primary key.
      await expect.poll(() => faults.length).toBe(40 * (failing + 1))
      expect(await notes()).toHaveLength(40)
      expect(unhandled).toEqual([])
    })

    it('one that writes while the handler holds a transaction waits for it, and the handler not for it', async () => {
      listenToFaults()
      const written: string[] = []
      trail.signals.on('*', async ({ row }) => {
        await em().execute('insert into note (id) values (?)', [`${row.event}`])
        written.push(row.event)
      })
      expect(await attempt('/transaction')).toMatchObject({ status: 200 })
      await expect.poll(() => written.toSorted()).toEqual(['login', 'profile_update'])
      expect(await notes()).toEqual(['handler', 'login', 'profile_update'])
      expect(await rows()).toHaveLength(2)
      expect(faults).toEqual([])
    })

    it('one that leaves a row for every row leaves one for each, and the server goes on', async () => {
      trail.signals.on('*', () => trail.record('suspicious_activity'))
      expect((await attempt('/in')).status).toBe(201)
      expect((await attempt('/refused')).status).toBe(401)
      await trail.settled()
      expect((await rows()).toSorted()).toEqual([
        'login failure',
        'login success',
        'suspicious_activity success',
        'suspicious_activity success',
      ])
    })
  })
}

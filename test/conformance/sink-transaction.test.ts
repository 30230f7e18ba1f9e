import { mikroOrmSink } from '@countersign/adapters/mikro-orm'
import {
  type AuditError,
  type AuditRow,
  type AuditSink,
  createAuditTrail,
  rowId,
  type SinkTransaction,
} from '@countersign/core'
import { sampleRow } from '@countersign/core/testing'
import { defineEntity, type EntityManager, p, RequestContext, TransactionPropagation } from '@mikro-orm/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { pgliteDatabase, postgresAvailable, postgresDatabase, type TestDatabase } from '../support/databases.js'

const Note = defineEntity({
  name: 'Note',
  tableName: 'note',
  properties: { id: p.integer().primary(), text: p.string() },
})

const tables = [
  'create table note (id serial primary key, text text not null unique)',
  'create table tag (note int not null references note (id) deferrable initially deferred)',
]

const databases = [
  { name: 'PGlite', open: pgliteDatabase, here: true, embedded: true },
  { name: 'PostgreSQL', open: postgresDatabase, here: await postgresAvailable(), embedded: false },
]

for (const { name, open, here, embedded } of databases) {
  describe.runIf(here)(`a transaction of rows and changes on ${name}`, () => {
    let database: TestDatabase
    let sink: AuditSink
    let transaction: Required<SinkTransaction>
    let em: EntityManager
    let row: AuditRow
    let escapes: AuditError[]
    const sql = (statement: string, on = em) =>
      on.getConnection().execute(statement, [], 'all', on.getTransactionContext())
    const add = (text: string, on = em) => sql(`insert into note (text) values ('${text}')`, on)
    /** What remains: the texts of notes, and whether the row is there. */
    const remains = async () => ({
      notes: (await sql('select text from note order by id', em.fork())).map(({ text }: { text: string }) => text),
      row: (await sql(`select 1 from audit_event where id = '${row.id}'`, em.fork())).length === 1,
    })
    beforeAll(async () => {
      database = await open()
      em = database.orm.em
      database.orm.discoverEntity(Note)
      for (const statement of tables) await sql(statement)
      sink = mikroOrmSink(database.orm)
      transaction = sink.transaction as Required<SinkTransaction>
      transaction.onEscape((error) => escapes.push(error))
    })
    beforeEach(async () => {
      row = sampleRow({ id: rowId() })
      escapes = []
      await sql('delete from tag').then(() => sql('delete from note'))
    })
    afterAll(async () => {
      await sink.close?.()
      await database.close()
    })

    it('keeps both when it resolves, and answers what ran in it', async () => {
      const answer = await transaction.run(async () => {
        await add('kept')
        await transaction.write([row])
        return 7
      })
      expect(answer).toBe(7)
      expect(await remains()).toEqual({ notes: ['kept'], row: true })
    })

    it('keeps neither when it rejects, and passes the very error on', async () => {
      const error = new Error('refused')
      const run = transaction.run(async () => {
        await add('gone')
        await transaction.write([row])
        throw error
      })
      expect(await run.catch((cause) => cause)).toBe(error)
      expect(await remains()).toEqual({ notes: [], row: false })
    })

    it('is open inside, and neither before, after nor for others', async () => {
      expect(transaction.isOpen()).toBe(false)
      let later: Promise<boolean> | undefined
      let end: () => void = () => undefined
      await transaction.run(async () => {
        expect(transaction.isOpen()).toBe(true)
        later = new Promise<void>((resolve) => {
          end = resolve
        }).then(() => transaction.isOpen())
      })
      end()
      expect([await later, transaction.isOpen()]).toEqual([false, false])
    })

    it('nests what the handler does in a transaction of its own, which may fail alone', async () => {
      await transaction.run(async () => {
        await em.transactional(() => add('inner'))
        await em
          .transactional(async () => {
            await add('undone')
            throw new Error('alone')
          })
          .catch(() => undefined)
        await transaction.write([row])
      })
      expect(await remains()).toEqual({ notes: ['inner'], row: true })
      expect(escapes).toEqual([])
    })

    it('nests in a transaction that the caller opened, and ends with it', async () => {
      const outer = em.transactional(async () => {
        expect(transaction.isOpen()).toBe(true)
        await transaction.run(async () => {
          await add('inner')
          await transaction.write([row])
        })
        throw new Error('the outer one')
      })
      await expect(outer).rejects.toThrow('the outer one')
      expect(await remains()).toEqual({ notes: [], row: false })
    })

    it('takes the unit of work of a request context, and gives it back what was loaded', async () => {
      await add('old')
      await RequestContext.create(em, async () => {
        const before = await em.findOneOrFail(Note, { text: 'old' })
        await transaction.run(async () => {
          const inside = await em.findOneOrFail(Note, { text: 'old' })
          expect(inside).toBe(before)
          inside.text = 'new'
          em.create(Note, { id: 1_000_000, text: 'added' })
          await transaction.write([row])
        })
        expect((await em.findOneOrFail(Note, { text: 'added' })).id).toBe(1_000_000)
      })
      expect(await remains()).toEqual({ notes: ['new', 'added'], row: true })
    })

    it('flushes before it writes: what the unit of work can not do leaves no row', async () => {
      await add('taken')
      const run = RequestContext.create(em, () =>
        transaction.run(async () => {
          em.create(Note, { id: 1_000_001, text: 'taken' })
          await transaction.write([row])
        }),
      )
      await expect(run).rejects.toMatchObject({ code: '23505' })
      expect(await remains()).toEqual({ notes: ['taken'], row: false })
    })

    it('undoes all where the handler swallowed an error of the database', async () => {
      const run = transaction.run(async () => {
        await add('once')
        await add('once').catch(() => undefined)
        await transaction.write([row])
      })
      await expect(run).rejects.toMatchObject({ code: 'SINK_FAILED', cause: { code: '25P02' } })
      expect(await remains()).toEqual({ notes: [], row: false })
    })

    it('rejects where the error was swallowed after the row, which PostgreSQL would not say', async () => {
      const run = em.transactional(async () => {
        await transaction.run(async () => {
          await add('once')
          await transaction.write([row])
        })
        await add('once').catch(() => undefined)
      })
      await expect(run).rejects.toMatchObject({ code: '25P02' })
      expect(await remains()).toEqual({ notes: [], row: false })
    })

    it('rejects with the error of a commit that failed, and keeps neither', async () => {
      const ended: boolean[] = []
      const run = transaction.run(async () => {
        await add('gone')
        await sql('insert into tag values (2000000)')
        await transaction.write([row])
        transaction.onEnd((committed) => ended.push(committed))
      })
      await expect(run).rejects.toMatchObject({ code: '23503' })
      expect(ended).toEqual([false])
      expect(await remains()).toEqual({ notes: [], row: false })
      await transaction.run(() => add('the connection works on'))
    })

    it('writes a row once that it is given twice, and undoes all where the attempt has a row already', async () => {
      const noting = (text: string) => transaction.run(() => add(text).then(() => transaction.write([row, row])))
      await noting('kept')
      expect(await remains()).toEqual({ notes: ['kept'], row: true })
      await expect(noting('undone')).rejects.toMatchObject({ code: 'SINK_FAILED' })
      expect((await remains()).notes).toEqual(['kept'])
    })

    it('makes the partition that a row needs, again where that was undone', async () => {
      row = sampleRow({ id: `015b0000-0000-${rowId().slice(14)}` })
      const failing = transaction.run(async () => {
        await transaction.write([row])
        throw new Error('undone')
      })
      await expect(failing).rejects.toThrow('undone')
      expect((await remains()).row).toBe(false)
      await em.transactional(async () => {
        const inner = transaction.run(async () => {
          await transaction.write([row])
          throw new Error('undone')
        })
        await expect(inner).rejects.toThrow('undone')
      })
      await transaction.run(() => transaction.write([row]))
      expect((await remains()).row).toBe(true)
    })

    it('lets a row of the own connection be recorded inside, without waiting for itself', async () => {
      const trail = createAuditTrail({ sink })
      await transaction.run(async () => {
        await trail.record('logout', { subject: { type: 'test', id: row.id } })
        await add('kept')
      })
      await trail.settled()
      expect(await sql(`select 1 from audit_event where subject_id = '${row.id}'`)).toHaveLength(1)
    })

    it('refuses rows and listeners where none is open', async () => {
      await expect(transaction.write([row])).rejects.toMatchObject({ code: 'SETTING_INVALID' })
      expect(() => transaction.onEnd(() => undefined)).toThrow('No transaction of this orm is open')
    })

    describe('tells what became of it', () => {
      let ended: boolean[]
      const follow = async () => {
        await add('followed')
        transaction.onEnd((committed) => ended.push(committed))
      }
      beforeEach(() => {
        ended = []
      })

      it('once, after the commit', async () => {
        await transaction.run(async () => {
          await follow()
          expect(ended).toEqual([])
        })
        expect(ended).toEqual([true])
      })

      it('only when the outermost has ended', async () => {
        await em.transactional(async () => {
          await transaction.run(() => em.transactional(follow))
          expect(ended).toEqual([])
        })
        expect(ended).toEqual([true])
      })

      it('false where the outermost is rolled back after a run that succeeded', async () => {
        const outer = em.transactional(async () => {
          await transaction.run(follow)
          throw new Error('later')
        })
        await expect(outer).rejects.toThrow('later')
        expect(ended).toEqual([false])
      })

      it('false where a savepoint around it is undone, and the outermost committed', async () => {
        await em.transactional(async () => {
          const inner = em.transactional(async () => {
            await transaction.run(follow)
            throw new Error('undone')
          })
          await expect(inner).rejects.toThrow('undone')
          expect(ended).toEqual([false])
        })
        expect(ended).toEqual([false])
      })

      it('for a transaction begun and ended by hand', async () => {
        for (const end of ['rollback', 'commit'] as const) {
          await RequestContext.create(em, async () => {
            await em.begin()
            await transaction.run(follow)
            await em[end]()
          })
        }
        expect(ended).toEqual([false, true])
      })

      it('of a fork with an event manager of its own', async () => {
        await em.fork({ freshEventManager: true }).transactional(follow)
        expect(ended).toEqual([true])
      })

      it('and a listener that fails harms nobody', async () => {
        const told = new Promise<Error>((resolve) => process.once('warning', resolve))
        await transaction.run(async () => {
          transaction.onEnd(() => {
            throw new Error('of its own')
          })
          await follow()
        })
        expect((await told).message).toContain('of its own')
        expect(ended).toEqual([true])
      })
    })

    describe('notices a transaction beside it', () => {
      const ways: Record<string, () => Promise<unknown>> = {
        'transactional of a fork': () => em.fork().transactional((own) => add('beside', own)),
        'begin of a fork': async () => {
          const own = em.fork()
          await own.begin()
          await add('beside', own)
          await own.commit()
        },
        'flush of a fork': () => {
          const own = em.fork()
          own.create(Note, { id: 1_000_002, text: 'beside' })
          return own.flush()
        },
      }
      for (const [title, way] of Object.entries(ways)) {
        it(`: ${title}`, async () => {
          const run = transaction.run(async () => {
            await way()
            throw new Error('undone')
          })
          await expect(run).rejects.toThrow(embedded ? /PGlite has one connection/ : /undone/)
          expect(escapes.map(({ code }) => code)).toEqual(['TRANSACTION_ESCAPED'])
          expect(escapes[0]?.message).toContain('keepTransactionContext: true')
          expect((await remains()).notes).toEqual(embedded ? [] : ['beside'])
        })
      }

      it('and not a fork that keeps the transaction', async () => {
        await transaction.run(async () => {
          const own = em.fork({ keepTransactionContext: true })
          own.create(Note, { id: 1_000_003, text: 'flushed' })
          await own.flush()
          await own.transactional((nested) => add('nested', nested))
        })
        expect(escapes).toEqual([])
        expect((await remains()).notes).toHaveLength(2)
      })

      it('and not those of other requests at the same time', async () => {
        const request = (text: string) => RequestContext.create(em, () => transaction.run(() => add(text)))
        await Promise.all([request('a'), em.fork().transactional((own) => add('b', own)), request('c')])
        expect(escapes).toEqual([])
        expect((await remains()).notes.sort()).toEqual(['a', 'b', 'c'])
      })

      it('and not one that goes on after its end', async () => {
        let later: Promise<unknown> | undefined
        let end: () => void = () => undefined
        await transaction.run(async () => {
          later = new Promise<void>((resolve) => {
            end = resolve
          }).then(() => em.fork().transactional((own) => add('later', own)))
        })
        end()
        await later
        expect(escapes).toEqual([])
      })

      it.runIf(!embedded)('and not one that stands for itself on purpose', async () => {
        const alone = { propagation: TransactionPropagation.REQUIRES_NEW }
        await transaction.run(async () => {
          await em.transactional(() => add('alone'), alone)
          await em.transactional(() => em.transactional(() => add('too'), alone))
        })
        expect(escapes).toEqual([])
      })

      it.runIf(embedded)('which would wait for ever here, also on purpose', async () => {
        const alone = { propagation: TransactionPropagation.REQUIRES_NEW }
        await expect(transaction.run(() => em.transactional(() => add('alone'), alone))).rejects.toMatchObject({
          code: 'TRANSACTION_ESCAPED',
        })
      })
    })

    it.runIf(!embedded)('keeps rows out of the texts of statements, which the server shows and logs', async () => {
      const texts = await transaction.run(async () => {
        await transaction.write([row])
        return sql(
          "select query from pg_stat_activity where datname = current_database() and state = 'idle in transaction'",
          em.fork(),
        )
      })
      expect(texts).toEqual([{ query: expect.stringContaining('insert into audit_event') }])
      expect(JSON.stringify(texts)).not.toContain(row.id)
    })
  })
}

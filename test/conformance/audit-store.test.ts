import { mikroOrmSink } from '@countersign/adapters/mikro-orm'
import { type AuditRow, rowId } from '@countersign/core'
import { sampleRow } from '@countersign/core/testing'
import { describe, expect, it } from 'vitest'
import { ownStore, storeDatabases } from '../support/audit-stores.js'

/** An id as a row of that moment would have it. */
function idAt(moment: string): string {
  const time = Date.parse(moment).toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}${rowId().slice(13)}`
}

for (const { name, open, here } of storeDatabases) {
  describe.runIf(here)(`the audit store on ${name}`, () => {
    const store = ownStore(open)
    const execute = (statement: string) => store().database.orm.em.getDriver().getConnection().execute(statement)
    const transactional = (...statements: string[]) =>
      store()
        .database.orm.em.getDriver()
        .getConnection()
        .transactional(async (transaction) => {
          for (const statement of statements)
            await store().database.orm.em.getDriver().getConnection().execute(statement, [], 'run', transaction)
        })

    it('keeps each month in a partition of its own, to the millisecond', async () => {
      const [last, first] = [
        sampleRow({ id: idAt('2025-03-31T23:59:59.999Z') }),
        sampleRow({ id: idAt('2025-04-01T00:00:00.000Z') }),
      ]
      await store().sink.write([last, first])
      const found = await execute(
        `select tableoid::regclass::text as "in" from audit_event where id in ('${last.id}', '${first.id}') order by id`,
      )
      expect(found).toEqual([{ in: 'audit_event_2025_03' }, { in: 'audit_event_2025_04' }])
    })

    it('keeps a moment in UTC, whatever the time zone of who looks', async () => {
      const row = sampleRow()
      await store().sink.write([row])
      const connection = store().database.orm.em.getDriver().getConnection()
      const [kept] = await connection.transactional(async (transaction) => {
        await connection.execute("set local time zone 'Asia/Kolkata'", [], 'run', transaction)
        return connection.execute(
          `select to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as moment
           from audit_event where id = '${row.id}'`,
          [],
          'all',
          transaction,
        )
      })
      expect(kept).toEqual({ moment: row.occurredAt.toISOString() })
    })

    it('gives rows back newest first, page by page, in whatever order they were written', async () => {
      const requestId = rowId()
      const rows = Array.from({ length: 7 }, () => sampleRow({ requestId }))
      await store().sink.write([3, 0, 6].map((index) => rows[index] as AuditRow))
      await store().sink.write([5, 1, 4, 2].map((index) => rows[index] as AuditRow))
      const first = await store().reader.find({ requestId, limit: 4 })
      const second = await store().reader.find({ requestId, limit: 4, cursor: first.nextCursor as string })
      const found = [...first.items, ...second.items].map(({ id }) => id)
      expect(found).toEqual(rows.map(({ id }) => id).reverse())
      expect([first.items.length, second.nextCursor]).toEqual([4, null])
    })

    it('recognises a row that is written again', async () => {
      const row = sampleRow({ requestId: rowId() })
      await store().sink.write([row])
      await store().sink.write([row, { ...row, outcome: 'success' }])
      expect((await store().reader.find({ requestId: row.requestId as string })).items).toEqual([row])
    })

    it('names people by an id that no foreign key binds', async () => {
      const keys = await execute(
        "select conname from pg_constraint where contype = 'f' and conrelid = 'audit_event'::regclass",
      )
      expect(keys).toEqual([])
      const row = sampleRow({ actor: { type: 'user', id: 'nobody-has-this-id' } })
      await store().sink.write([row])
      expect((await store().reader.get(row.id))?.actor.id).toBe('nobody-has-this-id')
    })

    it('has partitions for this month and two more ahead', async () => {
      const [{ n }] = await execute(
        `select count(*)::int as n from pg_inherits where inhparent = 'audit_event'::regclass
         and inhrelid::regclass::text >= 'audit_event_' || to_char(now() at time zone 'UTC', 'YYYY_MM')`,
      )
      expect(n).toBe(3)
    })

    it('refuses a row that breaks its rules without its neighbours, written at the same time', async () => {
      const requestId = rowId()
      const [good, bad, other] = [
        sampleRow({ requestId }),
        sampleRow({ requestId, outcome: 'maybe' as never }),
        sampleRow({ requestId }),
      ]
      const written = await Promise.allSettled([good, bad, other].map((row) => store().sink.write([row])))
      expect(written.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
      expect((await store().reader.find({ requestId })).items.map(({ id }) => id)).toEqual([other.id, good.id])
    })

    it('gives every row a salt of its own', async () => {
      await store().sink.write([sampleRow(), sampleRow()])
      const [{ salts, rows }] = await execute(
        'select count(distinct salt)::int as salts, count(*)::int as rows from audit_event where length(salt) = 16',
      )
      expect(salts).toBe(rows)
    })

    it('lets personal values be erased, by a transaction that says so, once, and nothing else', async () => {
      const row = sampleRow({ actor: { type: 'user', id: 'u-9', label: 'Ada' } })
      await store().sink.write([row])
      expect((await store().reader.get(row.id))?.actor).toEqual(row.actor)
      const personal = `actor_label = null, on_behalf_of = null, attempted_hash = null, attempted_masked = null, session_id = null,
        address = null, proxy_chain = null, user_agent = null, device = null, details = '{}', salt = null`
      const erase = (changes: string) => `update audit_event set ${changes} where id = '${row.id}'`
      const erasing = "set local countersign.erasing = 'on'"
      const refused = expect.objectContaining({ message: expect.stringContaining('append-only') })

      await expect(transactional(erase(`${personal}, erased_at = now()`))).rejects.toEqual(refused)
      await expect(transactional(erasing, erase(personal))).rejects.toEqual(refused)
      // What was erased must be known by its digest, or no proof of the row would hold any more.
      await expect(transactional(erasing, erase(`${personal}, erased_at = now()`))).rejects.toEqual(refused)
      await execute(`insert into audit_erased values ('${row.id}', sha256('personal'), gen_random_uuid())`)
      await expect(
        transactional(erasing, erase(`${personal}, erased_at = now(), outcome = 'success'`)),
      ).rejects.toEqual(refused)
      await expect(transactional(erasing, erase("erased_at = now(), actor_label = 'Eve'"))).rejects.toEqual(refused)
      await transactional(erasing, erase(`${personal}, erased_at = now()`))
      expect((await store().reader.get(row.id))?.actor).toEqual({ type: 'user', id: 'u-9' })
      expect(await store().reader.get(row.id)).toMatchObject({
        outcome: row.outcome,
        attempted: null,
        address: null,
        userAgent: null,
        details: {},
        erasedAt: expect.any(Date),
      })
      await expect(transactional(erasing, erase('erased_at = null'))).rejects.toEqual(refused)
      await expect(transactional(erasing, erase('erased_at = now()'))).rejects.toEqual(refused)
    })

    it.each(['audit_leaf', 'audit_checkpoint'])('refuses changes to %s as to rows', async (table) => {
      await execute(
        `insert into audit_leaf values (${Math.floor(Math.random() * 1e9)}, '${rowId()}', decode(repeat('ab', 32), 'hex'))`,
      )
      await execute(
        `insert into audit_checkpoint values (${Math.floor(Math.random() * 1e9)}, decode(repeat('ab', 32), 'hex'), 'note')`,
      )
      for (const statement of [
        `delete from ${table}`,
        `truncate ${table}`,
        `update ${table} set ${table === 'audit_leaf' ? 'content' : 'root_hash'} = decode(repeat('cd', 32), 'hex')`,
      ]) {
        await expect(execute(statement), statement).rejects.toThrow(/append-only/)
      }
    })

    const hasConnections = name === 'PostgreSQL'
    if (hasConnections)
      it('lets go of its connections when it is closed', async () => {
        const connected = async (): Promise<number> =>
          (await execute('select count(*)::int as n from pg_stat_activity where datname = current_database()'))[0].n
        const before = await connected()
        const another = mikroOrmSink(store().database.orm)
        await another.write([sampleRow()])
        expect(await connected()).toBe(before + 1)
        await another.close?.()
        await expect.poll(connected).toBe(before)
      })
  })
}

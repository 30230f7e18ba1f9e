import { type SqlClient, sqlClient } from '@countersign/adapters/mikro-orm'
import type { AuditQuery } from '@countersign/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ownStore, storeDatabases } from '../support/audit-stores.js'
import { faultsOf, planOf } from '../support/query-plans.js'
import { type RecordedReader, recordedReader, type SentStatement } from '../support/recorded-reader.js'
import { idAt, monthAt, storeMonths } from '../support/stored-months.js'

type Filter = readonly [query: AuditQuery, ...columns: string[]]

/** Values that many rows have, and few, and none. */
const people = ['u-0', 'u-57', 'nobody']
const filters: readonly Filter[] = [
  [{}],
  ...['login', 'role_change', 'never_seen'].map((event): Filter => [{ event }, 'event', 'outcome']),
  ...(['success', 'failure', 'denied'] as const).map((outcome): Filter => [{ outcome }, 'outcome']),
  [{ event: 'login', outcome: 'success' }, 'event', 'outcome'],
  [{ event: 'role_change', outcome: 'denied' }, 'event', 'outcome'],
  ...people.map((actorId): Filter => [{ actorId }, 'actor_id']),
  ...people.map((subjectId): Filter => [{ subjectId }, 'subject_id']),
  ...people.map((concerning): Filter => [{ concerning }, 'actor_id|subject_id']),
  ...people.map((attemptedHash): Filter => [{ attemptedHash }, 'attempted_hash']),
  ...['192.0.2.0', '192.0.2.57', '2001:db8::1'].map((address): Filter => [{ address }, 'address']),
  ...['the-same', 'nobody'].map((requestId): Filter => [{ requestId }, 'request_id']),
]
const cases = filters.map(([filter, ...columns]) => [JSON.stringify(filter), filter, columns] as const)

const [from, to] = [monthAt(-4), monthAt(1)]
const cursor = idAt((monthAt(-1).getTime() + monthAt(0).getTime()) / 2)
const ranges: readonly AuditQuery[] = [{}, { cursor }, { from }, { to }, { from, to }, { from, to, cursor }]

for (const { name, open, here } of storeDatabases) {
  describe.runIf(here)(`the plan of a query on ${name}`, () => {
    const store = ownStore(open)
    let client: SqlClient
    let recorded: RecordedReader

    beforeAll(async () => {
      await storeMonths(store().sink, 1500)
      client = sqlClient(store().database.orm, 1)
      recorded = await recordedReader(store().database.orm)
    })
    afterAll(async () => {
      await recorded.reader.close()
      await client.close()
    })

    const sentFor = async (query: AuditQuery): Promise<SentStatement> => {
      recorded.sent.length = 0
      await recorded.reader.find(query)
      expect(recorded.sent).toHaveLength(1)
      return recorded.sent[0] as SentStatement
    }

    // A server looks at its tables by itself, sooner or later; an embedded database never does.
    describe.each([
      ['has no statistics', async () => {}],
      ['was analyzed', async () => void (await client.query('analyze audit_event', []))],
    ])('that %s', (_, prepare) => {
      beforeAll(prepare)

      it.each(cases)('looks for %s at no row but its own, wherever the page is', async (_, filter, columns) => {
        for (const range of ranges) {
          const sought = range === ranges[0] ? columns : [...columns, 'id']
          for (const limit of [50, 500]) {
            const query = { ...filter, ...range, limit }
            const statement = await sentFor(query)
            expect(faultsOf(await planOf(client, statement), sought), JSON.stringify(query)).toEqual([])
            if (statement.name === undefined) continue
            // What a connection keeps is for any value.
            expect(faultsOf(await planOf(client, statement, true), sought), `any ${JSON.stringify(query)}`).toEqual([])
          }
        }
      })
    })

    it.runIf(name === 'PostgreSQL')(
      'is kept under a name for each filter, whatever the values and the size',
      async () => {
        const texts = new Map<string, string>()
        for (const [filter] of filters) {
          for (const range of ranges) {
            for (const limit of [1, 500]) {
              const { name, text } = await sentFor({ ...filter, ...range, limit })
              expect(name).toBeDefined()
              // The driver refuses a name that it knows with another text.
              expect(texts.get(name as string) ?? text).toBe(text)
              texts.set(name as string, text)
            }
          }
        }
        expect(texts.size).toBe(40)
      },
    )
  })
}

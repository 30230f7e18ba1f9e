import type { AuditPage, AuditQuery, AuditReader, AuditRow } from '@countersign/core'
import { memorySink } from '@countersign/core'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { ownStore, storeDatabases } from '../support/audit-stores.js'
import { monthAt, storeMonths } from '../support/stored-months.js'

const memory = memorySink()
const one = <Value>(...values: Value[]) => fc.option(fc.constantFrom(...values), { nil: undefined, freq: 2 })
const user = one('u-0', 'u-1', 'u-3', 'u-9', 'nobody')
const moment = fc.option(fc.date({ min: monthAt(-6), max: monthAt(4), noInvalidDate: true }), {
  nil: undefined,
  freq: 2,
})
const filters = {
  event: one('login', 'role_change', 'audit_read', 'never_seen'),
  outcome: one('success', 'failure', 'denied'),
  actorId: user,
  subjectId: user,
  concerning: user,
  attemptedHash: user,
  address: one('192.0.2.0', '192.0.2.1', '192.0.2.4', '2001:db8::1'),
  requestId: one('the-same', 'nobody'),
  from: moment,
  to: moment,
}
type Filters = { [Name in keyof typeof filters]?: (typeof filters)[Name] }

/** A query by these, of which some may be left out. */
const queryBy = (names: ReadonlyArray<keyof typeof filters>): fc.Arbitrary<AuditQuery> =>
  fc
    .record(Object.fromEntries(names.map((name) => [name, filters[name]])) as Filters)
    .map((query) => Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as AuditQuery)
// All at once find nothing, nearly always.
const query = fc
  .subarray(Object.keys(filters) as Array<keyof typeof filters>, { maxLength: 4 })
  .chain((names) => queryBy([...names, 'from', 'to']))

/** All pages, one after the other, as they come. */
async function pagesOf(reader: AuditReader, asked: AuditQuery): Promise<AuditRow[][]> {
  const pages: AuditRow[][] = []
  let cursor: string | null = null
  do {
    const page: AuditPage = await reader.find({ ...asked, ...(cursor === null ? {} : { cursor }) })
    pages.push(page.items)
    cursor = page.nextCursor
  } while (cursor !== null)
  return pages
}

for (const { name, open, here } of storeDatabases) {
  describe.runIf(here)(`the pages of a query on ${name}`, () => {
    const store = ownStore(open)
    beforeAll(async () => {
      memory.clear()
      await storeMonths(
        {
          name: 'both',
          write: async (rows) => void (await Promise.all([memory.write(rows), store().sink.write(rows)])),
        },
        60,
      )
    })

    it('hold the rows that a look at every row would find, in their order, none of them twice', async () => {
      await fc.assert(
        fc.asyncProperty(query, fc.integer({ min: 15, max: 90 }), async (asked, limit) => {
          expect(await pagesOf(store().reader, { ...asked, limit })).toEqual(await pagesOf(memory, { ...asked, limit }))
        }),
        {
          numRuns: 100,
          examples: [
            [{ outcome: 'denied' }, 15],
            [{ event: 'login' }, 15],
            [{ event: 'login', outcome: 'failure' }, 15],
            [{ concerning: 'u-0' }, 15],
            [{}, 90],
          ],
        },
      )
    })
  })
}

import { mikroOrmReader, mikroOrmSink } from '@countersign/adapters/mikro-orm'
import { type AuditSink, type FloodLedger, rowId } from '@countersign/core'
import { ledgerCases, sampleRow } from '@countersign/core/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pgliteDatabase, postgresAvailable, postgresDatabase, type TestDatabase } from '../support/databases.js'
import { type MemoryLedger, memoryLedger } from '../support/memory-ledger.js'

describe('the ledger that tests of floods use', () => {
  let memory: MemoryLedger
  beforeAll(() => {
    memory = memoryLedger()
  })
  for (const { title, run } of ledgerCases(() => ({ ledger: memory, reader: memory.sink }))) it(title, run)
})

const databases = [
  { name: 'PGlite', open: pgliteDatabase, here: true },
  { name: 'PostgreSQL', open: postgresDatabase, here: await postgresAvailable() },
]

/** A denial as a process of that moment would have counted it. */
function tallyAt(moment: string, changes: Parameters<typeof sampleRow>[0] = {}) {
  const time = Date.parse(moment).toString(16).padStart(12, '0')
  const id = `${time.slice(0, 8)}-${time.slice(8)}${rowId().slice(13)}`
  const at = new Date(moment)
  const row = sampleRow({ id, outcome: 'denied', repeatCount: 2, firstAt: at, lastAt: at, ...changes })
  return { row, closesAt: at }
}

for (const { name, open, here } of databases) {
  describe.runIf(here)(`the ledger of floods on ${name}`, () => {
    let database: TestDatabase
    let sink: AuditSink
    let ledger: FloodLedger
    let reader: ReturnType<typeof mikroOrmReader>
    const execute = (statement: string) => database.orm.em.getDriver().getConnection().execute(statement)
    beforeAll(async () => {
      database = await open()
      sink = mikroOrmSink(database.orm, { connections: 4 })
      ledger = sink.ledger as FloodLedger
      reader = mikroOrmReader(database.orm)
    })
    afterAll(async () => {
      await sink.close?.()
      await reader.close()
      await database.close()
    })

    for (const { title, run } of ledgerCases(() => ({ ledger, reader }))) it(title, run)

    it('makes the partition that an old flood falls into, whoever closes it', async () => {
      const [own, left] = [tallyAt('2024-02-03T04:05:06.000Z'), tallyAt('2024-06-07T08:09:10.000Z')]
      expect(await ledger.close([own])).toEqual(new Map([[own.row.id, 2]]))
      await ledger.put([left])
      expect(await ledger.closeAbandoned(new Date())).toEqual([left.row])
      expect(await reader.get(own.row.id)).toEqual(own.row)
    })

    it('sets a flood aside that the store refuses, and closes the others', async () => {
      const refused = tallyAt('2025-01-01T00:00:00.000Z', { outcome: 'maybe' as never })
      const good = tallyAt('2025-01-02T00:00:00.000Z')
      await ledger.put([refused, good])
      expect(await ledger.closeAbandoned(new Date())).toEqual([good.row])
      expect(await execute('select id, closes_at::text as closes from audit_flood')).toEqual([
        { id: refused.row.id, closes: 'infinity' },
      ])
      await execute('delete from audit_flood')
    })

    it('closes more abandoned floods than one statement takes', async () => {
      const tallies = Array.from({ length: 2100 }, () => tallyAt('2025-01-03T00:00:00.000Z'))
      await ledger.put(tallies)
      expect(await ledger.closeAbandoned(new Date())).toHaveLength(2100)
      expect(await execute('select count(*)::int as n from audit_flood')).toEqual([{ n: 0 }])
    })
  })
}

import { mikroOrmReader, mikroOrmSink, sqlClient } from '@countersign/adapters/mikro-orm'
import { flexibleLimiter } from '@countersign/adapters/rate-limiter-flexible'
import { type AuditLimiter, memorySink } from '@countersign/core'
import { limiterCases, type StoreUnderTest, storeCases } from '@countersign/core/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { pgliteDatabase, postgresAvailable, postgresDatabase, type TestDatabase } from '../support/databases.js'

const scopes = { conformance: { address: '5/2s', identifier: '3/2s', failures: '3/2s' }, conformance_off: null }
const withPostgres = await postgresAvailable()

describe('memory', () => {
  const sink = memorySink()
  for (const { title, run } of storeCases(() => ({ sink, reader: sink }))) it(title, run)
  const limiter = flexibleLimiter({ scopes })
  for (const { title, run } of limiterCases(() => limiter)) it(`limiter: ${title}`, run)
})

const databases = [
  { name: 'PGlite', open: pgliteDatabase, here: true },
  { name: 'PostgreSQL', open: postgresDatabase, here: withPostgres },
]

for (const { name, open, here } of databases) {
  describe.runIf(here)(name, () => {
    let database: TestDatabase
    let store: StoreUnderTest
    let limiter: AuditLimiter
    const closing: Array<() => Promise<void>> = []

    beforeAll(async () => {
      database = await open()
      const sink = mikroOrmSink(database.orm)
      const reader = mikroOrmReader(database.orm)
      const client = sqlClient(database.orm, 2)
      store = { sink, reader }
      limiter = flexibleLimiter({ scopes, store: client })
      closing.push(async () => sink.close?.(), reader.close, client.close, database.close)
    })
    afterAll(async () => {
      for (const close of closing) await close()
    })

    for (const { title, run } of storeCases(() => store)) it(title, run)
    for (const { title, run } of limiterCases(() => limiter)) it(`limiter: ${title}`, run)
  })
}

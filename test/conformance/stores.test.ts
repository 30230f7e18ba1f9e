import { mikroOrmReader, mikroOrmSink, sqlClient } from '@countersign/adapters/mikro-orm'
import { flexibleLimiter } from '@countersign/adapters/rate-limiter-flexible'
import type { AuditLimiter } from '@countersign/core'
import { limiterCases, type StoreUnderTest, storeCases } from '@countersign/core/testing'
import { Redis } from 'ioredis'
import { Redis as Valkey } from 'iovalkey'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { pgliteDatabase, postgresAvailable, postgresDatabase, type TestDatabase } from '../support/databases.js'
import { keyPrefix, redisAvailable, redisUrl } from '../support/redis.js'

const scopes = {
  conformance: { address: '5/min', identifier: '3/min', failures: '3/min' },
  conformance_brief: '1/2s',
  conformance_off: null,
}
const withPostgres = await postgresAvailable()
const withRedis = await redisAvailable()

describe('memory', () => {
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
      limiter = flexibleLimiter({ scopes, store: client, unreachable: 'refuse', patience: 5000 })
      closing.push(async () => sink.close?.(), reader.close, client.close, database.close)
    })
    afterAll(async () => {
      for (const close of closing) await close()
    })

    for (const { title, run } of storeCases(() => store)) it(title, run)
    for (const { title, run } of limiterCases(() => limiter)) it(`limiter: ${title}`, run)
  })
}

// No package of Debian 12 has a Valkey server: its client is tested against the one that it speaks the protocol of.
const clients = [
  { name: 'Redis, by ioredis', connect: () => new Redis(redisUrl, { keyPrefix: keyPrefix() }) },
  {
    name: 'a Redis server, by the Valkey client iovalkey',
    connect: () => new Valkey(redisUrl, { keyPrefix: keyPrefix() }),
  },
]

for (const { name, connect } of clients) {
  describe.runIf(withRedis)(name, () => {
    let client: ReturnType<typeof connect>
    let limiter: AuditLimiter

    beforeAll(() => {
      client = connect()
      // Refusing: a store that failed would be noticed, and not insured.
      limiter = flexibleLimiter({ scopes, store: client, unreachable: 'refuse', patience: 5000 })
    })
    afterAll(() => client.disconnect())

    for (const { title, run } of limiterCases(() => limiter)) it(`limiter: ${title}`, run)
  })
}

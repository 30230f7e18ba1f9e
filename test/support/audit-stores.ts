import { mikroOrmReader, mikroOrmSink } from '@countersign/adapters/mikro-orm'
import type { AuditReader, AuditSink } from '@countersign/core'
import { afterAll, beforeAll } from 'vitest'
import { pgliteDatabase, postgresAvailable, postgresDatabase, type TestDatabase } from './databases.js'

/** The databases that an audit store can be in, and which of them are here. */
export const storeDatabases: ReadonlyArray<{
  readonly name: string
  readonly here: boolean
  open(): Promise<TestDatabase>
}> = [
  { name: 'PGlite', open: pgliteDatabase, here: true },
  { name: 'PostgreSQL', open: postgresDatabase, here: await postgresAvailable() },
]

/** An audit store, from two sides. */
export interface AuditStore {
  readonly database: TestDatabase
  readonly sink: AuditSink
  readonly reader: AuditReader
}

/** A store for the tests of one suite. */
export function ownStore(open: () => Promise<TestDatabase>): () => AuditStore {
  let store: AuditStore & { readonly reader: { close(): Promise<void> } }
  beforeAll(async () => {
    const database = await open()
    store = { database, sink: mikroOrmSink(database.orm), reader: mikroOrmReader(database.orm) }
  })
  afterAll(async () => {
    await store.sink.close?.()
    await store.reader.close()
    await store.database.close()
  })
  return () => store
}

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type AuthServer,
  type AuthSettings,
  createAuthServer,
  defaultLimits,
  type StoreLocation,
} from '@countersign/auth'
import type { AuditRow } from '@countersign/core'
import { afterAll, beforeAll } from 'vitest'
import { migratedPostgres, postgresAvailable } from './databases.js'
import { migratedPgliteIn } from './pglite-clusters.js'
import { type Served, serve } from './serve.js'

export interface TestSystem {
  readonly url: string
  readonly auth: AuthServer
  /** Every row of the trail, oldest first. */
  rows(): Promise<AuditRow[]>
  close(): Promise<void>
}

/** The secret of every system that is started here. */
export const secret = 'jR2vN8xQ4mT7kB1wZ5cH9pL3sD6fG0yA'

/** No limits, for what is not about them. */
export const unlimited = Object.fromEntries(Object.keys(defaultLimits).map((scope) => [scope, null]))

/** Makes a place where a system can keep its data, and takes it away. */
export type Make = () => Promise<{ database: StoreLocation; drop(): Promise<void> }>

/** The places a system can keep its data, those that are here. */
export const places: Array<{
  name: string
  here: boolean
  make: Make
}> = [
  {
    name: 'PGlite',
    here: true,
    async make() {
      const folder = await mkdtemp(join(tmpdir(), 'countersign-'))
      await migratedPgliteIn('auth', folder)
      return { database: { folder }, drop: () => rm(folder, { recursive: true, force: true }) }
    },
  },
  {
    name: 'PostgreSQL',
    here: await postgresAvailable(),
    async make() {
      const { url, drop } = await migratedPostgres('auth')
      return { database: { url }, drop }
    },
  },
]

/** The place that is ready first, for what is the same in all of them. */
export const quickest = (places.findLast(({ here }) => here) as (typeof places)[number]).make

/** A system for the tests of one suite: without limits, unless they are about them. */
export function ownSystem(make: Make, settings: Partial<AuthSettings> = { limits: unlimited }): () => TestSystem {
  let system: TestSystem
  beforeAll(async () => {
    system = await startSystem(make, settings)
  })
  afterAll(() => system.close())
  return () => system
}

export async function startSystem(make: Make, settings: Partial<AuthSettings> = {}): Promise<TestSystem> {
  const { database, drop } = await make()
  const auth = await createAuthServer({
    database,
    secret,
    publicUrl: 'http://127.0.0.1:3000',
    ...settings,
  })
  const served: Served = await serve(auth.app)
  return {
    url: served.url,
    auth,
    async rows() {
      const rows: AuditRow[] = []
      let cursor: string | null = null
      do {
        const page = await auth.services.reader.find({ limit: 500, ...(cursor ? { cursor } : {}) })
        rows.push(...page.items)
        cursor = page.nextCursor
      } while (cursor)
      return rows.reverse()
    },
    async close() {
      await served.close()
      await auth.close()
      await drop()
    },
  }
}

/** The rows that something leaves. */
export async function rowsOf(system: TestSystem, run: () => Promise<unknown>): Promise<AuditRow[]> {
  const before = (await system.rows()).length
  await run()
  return (await system.rows()).slice(before)
}

/**
 * The server that is killed and soaked: `node server.ts` with a JSON of {@link ServerSettings}.
 * Prints its address when it listens; ends in order on SIGTERM.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { auditStoreMigrations, lockDataFolder, migrate, mikroOrmSink } from '@countersign/adapters/mikro-orm'
import { flexibleLimiter } from '@countersign/adapters/rate-limiter-flexible'
import { auditedControllers, safeDefaults } from '@countersign/adapters/routing-controllers'
import { type AuditRow, type AuditSink, createAuditTrail } from '@countersign/core'
import { fileSpool } from '@countersign/core/spool'
import type { MikroORM } from '@mikro-orm/core'
import { Migrator } from '@mikro-orm/migrations'
import type { SqlEntityManager } from '@mikro-orm/postgresql'
import express from 'express'
import { useExpressServer } from 'routing-controllers'
import { controllersThat } from './server-controllers.ts'
import type { ServerSettings, ServerStatus, Stored } from './server-settings.ts'

const { database, spool, prepares, careless } = JSON.parse(process.argv[2] ?? '{}') as ServerSettings

const options = {
  entities: [],
  discovery: { warnWhenNoEntities: false },
  extensions: [Migrator],
  migrations: { migrationsList: auditStoreMigrations, snapshot: false },
  logger: () => undefined,
}

async function open(): Promise<MikroORM> {
  if ('url' in database) {
    const { MikroORM } = await import('@mikro-orm/postgresql')
    return (await MikroORM.init({ ...options, clientUrl: database.url })) as unknown as MikroORM
  }
  lockDataFolder(database.folder)
  const { MikroORM } = await import('@mikro-orm/pglite')
  const embedded = await MikroORM.init({ ...options, dbName: `${database.folder}/postgres` })
  return embedded as unknown as MikroORM
}

/** Keeps rows in memory and says that they are stored. */
function carelessSink(sink: AuditSink): AuditSink {
  let kept: AuditRow[] = []
  return {
    ...sink,
    async write(rows) {
      kept.push(...rows)
      if (kept.length < 1000) return
      const all = kept
      kept = []
      await sink.write(all)
    },
  }
}

const orm = await open()
const em = orm.em as SqlEntityManager
if (prepares) {
  await migrate(orm)
  await em.execute('create table business (id text primary key)')
}
const sink = mikroOrmSink(orm)
const trail = createAuditTrail({
  sink: careless ? carelessSink(sink) : sink,
  spool: fileSpool({ folder: spool, segmentBytes: 256 * 1024 }),
  limiter: flexibleLimiter({ scopes: { challenge: { address: '5/h' } } }),
  policies: {
    data_export_request: { delivery: 'deferred' },
    profile_update: { delivery: 'joined', unreachable: 'closed' },
  },
})
const faults: string[] = []
trail.signals.on('fault', ({ error }) => faults.push(`${error.code}: ${error.message}`))

function status(): ServerStatus {
  const { collapsed: _, spooling: __, ...health } = trail.health
  const { recorded, lost } = trail.counts
  globalThis.gc?.()
  const { rss, heapUsed: heap, external } = process.memoryUsage()
  return { ...health, recorded, lost, faults, memory: { rss, heap, external } }
}

async function stored(prefix: string): Promise<Stored> {
  const like = `'${prefix.replace(/[^a-z0-9-]/g, '')}%'`
  const rows = await em.execute<Array<{ id: string; is: string }>>(
    `select request_id as id, event || ' ' || outcome as is from audit_event where request_id like ${like}`,
  )
  const changes = await em.execute<Array<{ id: string }>>(`select id from business where id like ${like}`)
  return { rows: rows.map(({ id, is }) => [id, is] as const), changes: changes.map(({ id }) => id) }
}

const rename = (from: string, to: string) => em.execute(`alter table if exists ${from} rename to ${to}`)

const app = express()
app.get('/status', (_, response) => void response.json(status()))
app.get('/settled', async (_, response) => {
  await trail.settled()
  response.json(status())
})
app.get('/stored', async ({ query }, response) => void response.json(await stored(String(query.prefix ?? ''))))
// The store of an embedded database goes away with its table.
app.post('/store/away', async (_, response) => void response.json(await rename('audit_event', 'audit_event_away')))
app.post('/store/back', async (_, response) => void response.json(await rename('audit_event_away', 'audit_event')))
const change = (id: string) => em.execute('insert into business values (?)', [id])
useExpressServer(app, {
  ...safeDefaults,
  controllers: auditedControllers(trail, controllersThat(change) as never) as never,
})

const server = createServer(app)
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))

process.once('SIGTERM', async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await trail.close()
  await orm.close()
})

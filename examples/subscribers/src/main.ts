import type { AddressInfo } from 'node:net'
import { auditStoreMigrations, migrate, mikroOrmReader, mikroOrmSink } from '@countersign/adapters/mikro-orm'
import { auditedControllers, safeDefaults } from '@countersign/adapters/routing-controllers'
import { createAuditTrail } from '@countersign/core'
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import { Migrator } from '@mikro-orm/migrations'
import { MikroORM } from '@mikro-orm/pglite'
import { createExpressServer } from 'routing-controllers'
import { hangs } from './hangs.js'
import { rejects } from './rejects.js'
import { SessionController } from './session-controller.js'
import { throws } from './throws.js'
import { Alert, writes } from './writes.js'

// One database, with one connection: for the rows and for what subscribers write.
const orm = await MikroORM.init({
  dbName: 'memory://',
  entities: [Alert],
  logger: () => undefined,
  extensions: [Migrator],
  migrations: { migrationsList: auditStoreMigrations, snapshot: false },
})
await migrate(orm)
await orm.em.execute('create table alert (address text primary key, reason text not null)')
const trail = createAuditTrail({ sink: mikroOrmSink(orm) })

let told = 0
const faults: string[] = []
trail.signals.on('fault', ({ error }) => faults.push(`fault: ${error.code} ${reasonOf(error.cause)}`))
trail.signals.on('login.failure', throws)
trail.signals.on('login.failure', rejects)
trail.signals.on('login.failure', hangs)
trail.signals.on('login.failure', writes(orm))
trail.signals.on('*', () => told++)

const app = createExpressServer({ ...safeDefaults, controllers: auditedControllers(trail, [SessionController]) })
const server = app.listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))

async function login(password: string): Promise<number> {
  const { status } = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify({ email: 'ada@example.org', password }),
  })
  return status
}

function reasonOf(cause: unknown): string {
  return cause instanceof UniqueConstraintViolationException ? 'the address is noted already' : (cause as Error).message
}

for (const password of ['wrong', 'correct horse', 'wrong again']) {
  console.log(`answered: ${await login(password)}`)
}

const { items } = await mikroOrmReader(orm).find({})
for (const { event, outcome, reason } of items.toReversed()) console.log(`row: ${event} ${outcome} ${reason ?? '-'}`)
// The one connection answers in turn: what subscribers asked of it before is done when this is.
const alerts = await orm.em.fork().findAll(Alert)
for (const fault of faults.toSorted()) console.log(fault)
console.log(`alerts: ${alerts.length}; the last subscriber was told of ${told} rows`)

await new Promise((resolve) => server.close(resolve))
await trail.close()
await orm.close()
console.log('closed, though one subscriber still hangs')

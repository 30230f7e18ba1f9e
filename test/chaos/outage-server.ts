import 'reflect-metadata'
import { auditStoreMigrations, migrate, mikroOrmSink } from '@countersign/adapters/mikro-orm'
import { auditedControllers } from '@countersign/adapters/routing-controllers'
import {
  type AuditError,
  type AuditTrail,
  type AuditTrailOptions,
  createAuditTrail,
  type LossSignal,
} from '@countersign/core'
import { fileSpool } from '@countersign/core/spool'
import { AuditEvent } from '@countersign/mixins'
import type { MikroORM } from '@mikro-orm/core'
import { Migrator } from '@mikro-orm/migrations'
import { MikroORM as PostgresORM, type SqlEntityManager } from '@mikro-orm/postgresql'
import pg from 'pg'
import { ForbiddenError, HeaderParam, JsonController, Post } from 'routing-controllers'
import { drivers } from '../support/drivers.js'
import { type Column, Deliveries } from './outage-deliveries.js'

/** A server whose database goes away, and what can be seen of it. */
export interface OutageServer {
  readonly url: string
  readonly trail: AuditTrail
  readonly deliveries: Deliveries
  readonly losses: readonly LossSignal[]
  readonly faults: readonly AuditError[]
  /** Asks the database itself, around whatever stands before it. */
  ask(statement: string): Promise<Column[][]>
  close(): Promise<void>
}

export interface OutageServerOptions {
  /** The database; and how the server gets there, where that is another way. */
  readonly direct: string
  readonly through?: string
  readonly folder: string
  readonly patience?: number
  /** False where nothing may be kept of what is delivered: memory is measured. */
  readonly watched?: boolean
}

/** Five ways for a row to be delivered, each at a path of its name. */
const policies: NonNullable<AuditTrailOptions['policies']> = {
  logout: { delivery: 'deferred' },
  profile_update: { delivery: 'joined', unreachable: 'closed' },
  token_refresh: { unreachable: 'open' },
}

// Short, so that a test need not wait for what a server would wait for.
const driverOptions = { connectionTimeoutMillis: 1500, query_timeout: 2000, max: 5 }

const common = { entities: [], discovery: { warnWhenNoEntities: false } }

export async function outageServer(options: OutageServerOptions): Promise<OutageServer> {
  const { direct, through = direct, folder, patience = 5000, watched = true } = options
  await prepare(direct)
  const orm = (await PostgresORM.init({ ...common, clientUrl: through, driverOptions })) as unknown as MikroORM
  const deliveries = new Deliveries()
  const sink = watched ? deliveries.watched(mikroOrmSink(orm)) : mikroOrmSink(orm)
  const spool = fileSpool({ folder })
  const trail = createAuditTrail({ sink, spool, policies, patience, ...(watched ? { metrics: deliveries } : {}) })
  const losses: LossSignal[] = []
  const faults: AuditError[] = []
  trail.signals.on('loss', (loss) => losses.push(loss))
  trail.signals.on('fault', ({ error }) => faults.push(error))
  const served = await (drivers[0] as (typeof drivers)[0]).serve(auditedControllers(trail, [attempts(orm)]))
  return {
    url: served.url,
    trail,
    deliveries,
    losses,
    faults,
    ask: (statement) => ask(direct, statement),
    async close() {
      await served.close()
      await trail.close()
      await orm.close(true)
    },
  }
}

/** A controller with an attempt of each kind. */
function attempts(orm: MikroORM): new () => object {
  @JsonController()
  class Attempts {
    static readonly className = 'Attempts'
    static readonly actor = () => null

    @AuditEvent('login')
    @Post('/awaited')
    async awaited() {
      return { ok: true }
    }

    @AuditEvent('logout')
    @Post('/deferred')
    async deferred() {
      return { ok: true }
    }

    @AuditEvent('password_change')
    @Post('/denied')
    async denied() {
      throw new ForbiddenError('no')
    }

    @AuditEvent('profile_update')
    @Post('/joined')
    async joined(@HeaderParam('x-request-id') id: string) {
      await (orm.em as SqlEntityManager).execute('insert into business values (?)', [id])
      return { ok: true }
    }

    @AuditEvent('token_refresh')
    @Post('/open')
    async open() {
      return { ok: true }
    }
  }
  return Attempts
}

async function prepare(direct: string): Promise<void> {
  const migrations = { migrationsList: auditStoreMigrations, snapshot: false }
  const options = { ...common, clientUrl: direct, extensions: [Migrator], migrations }
  const orm = (await PostgresORM.init(options)) as unknown as MikroORM
  await migrate(orm)
  await orm.close(true)
  await ask(direct, 'create table if not exists business (id text primary key)')
}

async function ask(connectionString: string, text: string): Promise<Column[][]> {
  const client = new pg.Client({ connectionString })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query({ text, rowMode: 'array' })).rows
  } finally {
    await client.end()
  }
}

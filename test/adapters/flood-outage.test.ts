import { auditStoreMigrations, migrate, mikroOrmSink } from '@countersign/adapters/mikro-orm'
import type { FloodLedger } from '@countersign/core'
import { Migrator } from '@mikro-orm/migrations'
import { MikroORM } from '@mikro-orm/postgresql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emptyPostgres, type OwnPostgres, postgresAvailable } from '../support/databases.js'
import { denial, floodSystem } from '../support/flood-system.js'

const day = 86_400_000

describe.runIf(await postgresAvailable())('a flood while PostgreSQL is away', () => {
  let server: OwnPostgres
  let orm: MikroORM
  beforeAll(async () => {
    server = await emptyPostgres()
    orm = await MikroORM.init({
      clientUrl: server.url,
      extensions: [Migrator],
      migrations: { migrationsList: auditStoreMigrations, snapshot: false },
      entities: [],
      discovery: { warnWhenNoEntities: false },
    })
    await migrate(orm)
  })
  afterAll(async () => {
    await orm.close()
    await server.drop()
  })

  const one = async (statement: string): Promise<number> => {
    const [found] = await orm.em
      .getDriver()
      .getConnection()
      .execute<Array<{ n: number }>>(`select (${statement})::int as n`)
    return found?.n ?? 0
  }

  it('leaves what it was not known to have to the ordinary way, and nothing is lost or doubled', async () => {
    const sink = mikroOrmSink(orm)
    const ledger = sink.ledger as FloodLedger
    const { budget, delivered, faults } = floodSystem(
      { window: 3600, flush: 10 },
      { name: 'away', write: async () => undefined },
      ledger,
    )
    const deny = (times: number) => budget.admit(Array.from({ length: times }, () => denial()))
    await sink.write(deny(10))
    await expect.poll(() => one('select sum(repeat_count) from audit_flood')).toBe(9)

    await server.shut()
    expect(deny(5)).toEqual([])
    await expect.poll(() => faults).toEqual(['LEDGER_FAILED'])
    expect(deny(2)).toEqual([])
    await budget.close()
    expect(faults).toEqual(['LEDGER_FAILED'])
    expect(delivered.map(({ repeatCount }) => repeatCount)).toEqual([7])

    await server.open()
    await sink.write(delivered)
    expect(await ledger.closeAbandoned(new Date(Date.now() + day))).toMatchObject([{ repeatCount: 9 }])
    expect(await one('select sum(repeat_count) from audit_event')).toBe(17)
    await sink.close?.()
  })

  it('goes on counting in the ledger when it is back, and leaves two rows', async () => {
    const sink = mikroOrmSink(orm)
    const { budget, delivered, faults } = floodSystem({ window: 3600, flush: 10 }, sink, sink.ledger)
    const deny = (times: number) => budget.admit(Array.from({ length: times }, () => denial({ tenant: 'patient' })))
    await sink.write(deny(10))
    await server.shut()
    deny(5)
    await expect.poll(() => faults).toEqual(['LEDGER_FAILED'])
    await server.open()
    await expect.poll(() => one('select sum(repeat_count) from audit_flood')).toBe(14)
    await budget.close()
    expect(delivered).toEqual([])
    expect(await one("select sum(repeat_count) from audit_event where tenant = 'patient'")).toBe(15)
    expect(await one("select count(*) from audit_event where tenant = 'patient'")).toBe(2)
    await sink.close?.()
  })
})

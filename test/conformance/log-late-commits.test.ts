import { logSequencer, mikroOrmSink } from '@countersign/adapters/mikro-orm'
import { newSigningKey, noteSigner, verifyLog } from '@countersign/core/evidence'
import { sampleRow } from '@countersign/core/testing'
import pg from 'pg'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { storeDatabases } from '../support/audit-stores.js'
import { emptyPostgres } from '../support/databases.js'
import { origin, ownLog } from '../support/logs.js'

const postgres = storeDatabases.find(({ name }) => name === 'PostgreSQL')

describe.runIf(postgres?.here)('the sequencer, with transactions that end when they like', () => {
  const own = ownLog(postgres?.open ?? (() => Promise.reject(new Error('no PostgreSQL'))))
  const clients: pg.Client[] = []
  const connected = async (url = own().database.url): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    clients.push(client)
    return client
  }
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.end()
  })

  /** Begins a transaction that has a row, and leaves it open. */
  const opened = async (): Promise<{ client: pg.Client; id: string }> => {
    const client = await connected()
    const { id } = sampleRow()
    await client.query('begin')
    await client.query(
      `insert into audit_event (id, occurred_at, event, event_version, outcome, severity, actor_type, duration_ms, details)
      values ($1, now(), 'login', 1, 'success', 'low', 'anonymous', 1, '{}')`,
      [id],
    )
    return { client, id }
  }
  const sequenced = async (): Promise<string[]> =>
    (await own().execute('select row_id as id from audit_leaf order by leaf_index')).map(({ id }) => id)
  const written = async (): Promise<string> => {
    const row = sampleRow()
    await own().sink.write([row])
    return row.id
  }

  it('passes over none that commits after later ones, in whatever order they commit', async () => {
    const open = [await opened(), await opened(), await opened(), await opened()]
    const expected: string[] = []
    for (const index of [2, 0, 3, 1]) {
      expected.push(await written())
      await own().sequencer.catchUp()
      expect(await sequenced()).toEqual(expected)
      const { client, id } = open[index] as (typeof open)[number]
      await client.query('commit')
      await own().sequencer.catchUp()
      expected.push(id)
      expect(await sequenced()).toEqual(expected)
    }
    expect(await verifyLog(await own().log.open())).toMatchObject({ sound: true, leaves: 8 })
  })

  it('gives no leaf to what is rolled back, also to a savepoint in what is kept', async () => {
    const before = await sequenced()
    const { client, id } = await opened()
    await client.query('savepoint inner_one')
    const lost = sampleRow().id
    await client.query(
      `insert into audit_event (id, occurred_at, event, event_version, outcome, severity, actor_type, duration_ms, details)
      values ($1, now(), 'login', 1, 'success', 'low', 'anonymous', 1, '{}')`,
      [lost],
    )
    await own().sequencer.catchUp()
    await client.query('rollback to savepoint inner_one')
    await client.query('commit')
    const other = await opened()
    await other.client.query('rollback')
    await own().sequencer.catchUp()
    expect(await sequenced()).toEqual([...before, id])
  })

  it('is held up by no long transaction: not of its own database, nor of another one of the server', async () => {
    const elsewhere = await emptyPostgres()
    try {
      const foreign = await connected(elsewhere.url)
      await foreign.query('create table busy (id int)')
      await foreign.query('begin isolation level repeatable read')
      await foreign.query('insert into busy values (1)')
      const reading = await connected()
      await reading.query('begin isolation level repeatable read')
      await reading.query('select count(*) from audit_event')
      const { client, id } = await opened()
      const before = await sequenced()
      const rows: string[] = []
      for (let round = 0; round < 5; round++) {
        rows.push(await written())
        await own().sequencer.catchUp()
        expect(await sequenced()).toEqual([...before, ...rows])
      }
      await client.query('commit')
      await own().sequencer.catchUp()
      expect(await sequenced()).toEqual([...before, ...rows, id])
      await foreign.query('rollback')
    } finally {
      for (const client of clients.splice(0)) await client.end()
      await elsewhere.drop()
    }
  })

  it('does not look again at what a long transaction has seen pass', async () => {
    await opened()
    await own().sink.write(Array.from({ length: 2000 }, () => sampleRow()))
    await own().sequencer.catchUp()
    await own().execute('analyze')
    const [{ done }] = await own().execute('select done::text as done from audit_log_state')
    const plan = await own().execute(
      `explain (analyze, costs off, timing off, summary off) select e.id from audit_event e
      where e.xact >= pg_snapshot_xmax('${done}'::pg_snapshot) order by e.xact, e.id limit 500`,
    )
    expect(JSON.stringify(plan)).toMatch(/Index Only Scan|Index Scan/)
    expect(JSON.stringify(plan)).not.toMatch(/actual rows=[1-9]/)
  })

  it('finds what is without a leaf after the database was put back from a copy, where transactions are counted anew', async () => {
    const before = await sequenced()
    const late = await written()
    // As a copy in a new server has it: the log was at a transaction that is not there yet, and so was a row.
    await own().execute(`update audit_log_state set done = '4000000000:4000000000:'`)
    await own().execute(`update audit_log_state set target = null`)
    const fresh = await written()
    expect(await verifyLog(await own().log.open())).toMatchObject({ sound: true })
    await own().sequencer.catchUp()
    const after = await written()
    await own().sequencer.catchUp()
    const found = (await sequenced()).slice(before.length)
    expect(new Set(found.slice(0, 2))).toEqual(new Set([late, fresh]))
    expect(found[2]).toBe(after)
    expect(await verifyLog(await own().log.open())).toMatchObject({ sound: true })
  })

  it('finds it, too, where the other server is past what the log had seen, and not past its rows', async () => {
    const before = await sequenced()
    const late = await written()
    await own().execute('update audit_log_state set cluster = 1')
    await own().execute('alter table audit_event disable trigger user')
    await own().execute(
      `update audit_event set xact = (pg_current_xact_id()::text::bigint + 100000)::text::xid8 where id = '${late}'`,
    )
    await own().execute('alter table audit_event enable trigger user')
    expect(await verifyLog(await own().log.open())).toMatchObject({ sound: true })
    await own().sequencer.catchUp()
    const after = await written()
    await own().sequencer.catchUp()
    expect((await sequenced()).slice(before.length)).toEqual([late, after])
    expect(await verifyLog(await own().log.open())).toMatchObject({ sound: true })
  })

  it('works through a backlog that takes more than one round, while later ones come', async () => {
    const before = (await sequenced()).length
    for (let batch = 0; batch < 9; batch++) await own().sink.write(Array.from({ length: 2500 }, () => sampleRow()))
    const late = await opened()
    const work = own().sequencer.catchUp()
    await late.client.query('commit')
    await written()
    await work
    await own().sequencer.catchUp()
    expect((await sequenced()).length).toBe(before + 22_502)
    const report = await verifyLog(await own().log.open())
    expect(report).toMatchObject({ sound: true, leaves: before + 22_502 })
  })

  describe('of which four run at once', () => {
    const signer = () => own().signer
    const writers: Array<ReturnType<typeof mikroOrmSink>> = []
    afterAll(async () => {
      for (const writer of writers) await writer.close?.()
    })

    it('gives every row one leaf, and no two of them the same', async () => {
      const before = (await sequenced()).length
      const { orm } = own().database
      const sequencers = Array.from({ length: 4 }, () => logSequencer(orm, { signer: signer(), interval: 20 }))
      for (const sequencer of sequencers) sequencer.start()
      for (let writer = 0; writer < 4; writer++) writers.push(mikroOrmSink(orm))
      await Promise.all(
        writers.flatMap((writer) =>
          Array.from({ length: 50 }, async (_, index) => {
            await new Promise((resolve) => setTimeout(resolve, index * 5))
            await writer.write(Array.from({ length: 5 }, () => sampleRow()))
          }),
        ),
      )
      await own().sequencer.catchUp()
      for (const sequencer of sequencers) await sequencer.stop()
      const ids = await sequenced()
      expect(ids.length).toBe(before + 1000)
      expect(new Set(ids).size).toBe(ids.length)
      expect(await verifyLog(await own().log.open())).toMatchObject({ sound: true, leaves: ids.length })
    })

    it('refuses one with another key, and goes on', async () => {
      const stranger = logSequencer(own().database.orm, { signer: noteSigner(newSigningKey(origin)) })
      await expect(stranger.catchUp()).rejects.toMatchObject({ code: 'CHECKPOINT_KEY_WRONG' })
      await stranger.stop()
      await written()
      await own().sequencer.catchUp()
      expect((await verifyLog(await own().log.open())).sound).toBe(true)
    })
  })
})

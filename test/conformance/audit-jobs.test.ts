import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type LogOperations, sqlExecutor } from '@countersign/adapters/mikro-orm'
import { auditJobs } from '@countersign/adapters/pg-boss'
import { newSigningKey, noteSigner, noteVerifier, verifyLog } from '@countersign/core/evidence'
import { PgBoss } from 'pg-boss'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { asker, ended, rowsOfSomebody, type TestRequests, testRequests } from '../support/audit-requests.js'
import { storeDatabases } from '../support/audit-stores.js'
import { root } from '../support/compile.js'
import { origin, ownLog } from '../support/logs.js'

const key = newSigningKey(origin)

const postgres = storeDatabases.find(({ name }) => name === 'PostgreSQL')

// Processes take their time to start on a starved machine.
describe.runIf(postgres?.here)('the jobs of a log, in several processes', { timeout: 90_000 }, () => {
  const log = ownLog(postgres?.open ?? (() => Promise.reject(new Error('no PostgreSQL'))), [], noteSigner(key))
  const workers: ChildProcess[] = []
  let asking: TestRequests
  beforeAll(async () => {
    // It only asks.
    asking = testRequests(log(), { approval: false, concurrency: 0 })
    await asking.jobs.start()
  })
  afterAll(() => asking.close())
  afterEach(() => {
    for (const worker of workers.splice(0)) worker.kill('SIGKILL')
  })

  /** Starts a worker; answers when it has said that. */
  const worker = async (says: string, hang = false): Promise<ChildProcess> => {
    const script = join(root, 'test/support/request-worker.js')
    const given = JSON.stringify({ url: log().database.url, key, hang })
    const started = spawn(process.execPath, [script, given], { stdio: ['ignore', 'pipe', 'inherit'] })
    workers.push(started)
    for await (const line of createInterface({ input: started.stdout })) if (line === says) break
    return started
  }

  it('run again what a killed worker left, and it ends right', async () => {
    const subject = await rowsOfSomebody(log(), 1200)
    const { id } = await asking.requests.request(asker, 'erasure', { subject })
    const dying = await worker('hangs', true)
    dying.kill('SIGKILL')
    await once(dying, 'exit')
    expect(await asking.requests.get(id)).toMatchObject({ state: 'running', progress: { done: 500, of: 1200 } })

    // As if the minutes had passed until it is missed, and until the next try.
    await log().execute(`update countersign_jobs.job set heartbeat_on = now() - interval '1 hour' where id = '${id}'`)
    const boss = new PgBoss({
      connectionString: log().database.url as string,
      schema: 'countersign_jobs',
      schedule: false,
    })
    await boss.start()
    await boss.supervise('audit_request')
    await boss.stop()
    expect(await log().execute(`select state from countersign_jobs.job where id = '${id}'`)).toEqual([
      { state: 'retry' },
    ])
    await log().execute(`update countersign_jobs.job set start_after = now() where id = '${id}'`)

    await worker('works')
    expect(await ended(asking.requests, id, 'done')).toMatchObject({ result: { rows: 700, held: 0 }, error: null })
    const left = `select count(*)::int as left from audit_event where subject_id = '${subject.id}' and erased_at is null`
    expect(await log().execute(left)).toEqual([{ left: 0 }])
    expect(await verifyLog(await log().log.open(), { keys: [noteVerifier(log().signer.verifier.text)] })).toMatchObject(
      {
        sound: true,
        lawfullyErased: 1200,
      },
    )
  })

  it('run each request once, and a stopped one ends what it has begun', async () => {
    const both = await Promise.all([worker('works'), worker('works')])
    const asked = await Promise.all(Array.from({ length: 6 }, () => asking.requests.request(asker, 'verification', {})))
    await expect
      .poll(async () => (await asking.requests.list({ state: 'done' })).items.length, { timeout: 15_000 })
      .toBe(7)
    for (const process of both) process.kill('SIGTERM')
    await Promise.all(both.map((process) => once(process, 'exit')))
    const { items } = await log().reader.find({ event: 'audit_verification' })
    expect(items).toHaveLength(asked.length)
  })
})

describe.runIf(postgres?.here)('a queue whose database goes away while it is made', () => {
  const log = ownLog(postgres?.open ?? (() => Promise.reject(new Error('no PostgreSQL'))))

  it.each([
    ['its tables', /create schema/i],
    ['the queue', /create_queue\(/],
    ['its schedule', /insert into \w+\.schedule/i],
  ])('says so at %s, and works when it is started again', async (what, statement) => {
    const store = sqlExecutor(log().database.orm)
    const schema = what.replace(' ', '_')
    const away = new Error('the database is not accepting connections')
    let isAway = true
    const database: typeof store = {
      ...store,
      executeSql: (text, values) =>
        isAway && statement.test(text) ? Promise.reject(away) : store.executeSql(text, values),
    }
    const own = testRequests(log(), { database, schema, approval: false })
    await expect(own.jobs.start()).rejects.toMatchObject({ code: 'JOBS_FAILED', cause: away })
    await expect(own.jobs.enqueue('not yet')).rejects.toMatchObject({ code: 'JOBS_FAILED' })
    isAway = false
    await own.jobs.start()
    const { id } = await own.requests.request(asker, 'verification', {})
    await ended(own.requests, id, 'done')
    await own.close()
    await store.close()
  })
})

it('a cron that can not be read is refused before there is a queue', () => {
  const requests = { run: () => Promise.resolve(null), scheduled: () => Promise.reject(new Error('not asked')) }
  const database = { executeSql: () => Promise.reject(new Error('not asked')) }
  expect(() => auditJobs({ database, requests, schedules: { cron: '61 3 * * *' } })).toThrow(
    expect.objectContaining({ code: 'SETTING_INVALID', message: expect.stringContaining("cron can't be read") }),
  )
})

describe.runIf(postgres?.here)('a process that is stopped', () => {
  const log = ownLog(postgres?.open ?? (() => Promise.reject(new Error('no PostgreSQL'))))

  it('waits for what it has begun', async () => {
    let end = (): void => undefined
    const operations: LogOperations = {
      ...log().operations,
      async verify(...given) {
        await new Promise<void>((resolve) => {
          end = resolve
        })
        return log().operations.verify(...given)
      },
    }
    const own = testRequests(log(), { operations })
    await expect(own.jobs.enqueue('not yet')).rejects.toMatchObject({ code: 'JOBS_FAILED' })
    await own.jobs.start()
    const { id } = await own.requests.request(asker, 'verification', {})
    await ended(own.requests, id, 'running')
    const stopped = own.jobs.stop()
    setTimeout(end, 100)
    await stopped
    expect(await own.requests.get(id)).toMatchObject({ state: 'done', result: { sound: true } })
    expect(await log().execute(`select state from countersign_jobs.job where id = '${id}'`)).toEqual([
      { state: 'completed' },
    ])
    await own.close()
  })
})

it.each([
  ['half a day', { days: 0.5 }],
  ['personal fields that outlive their row', { days: 30, personalDays: 31 }],
  ['an unknown disposal', { days: 30, disposal: 'burn' as 'drop' }],
])('a policy of %s is refused', (_, retention) => {
  const requests = { run: async () => null, scheduled: async () => ({ id: '', state: '' }) }
  const database = { executeSql: async () => ({ rows: [] }) }
  expect(() => auditJobs({ database, requests, schedules: { retention } })).toThrow(
    expect.objectContaining({ code: 'SETTING_INVALID' }),
  )
})

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { logSequencer, mikroOrmSink, sqlExecutor } from '@countersign/adapters/mikro-orm'
import { type AuditJobs, auditJobs } from '@countersign/adapters/pg-boss'
import { rowId } from '@countersign/core'
import { newSigningKey, noteSigner, verifyLog } from '@countersign/core/evidence'
import { sampleRow } from '@countersign/core/testing'
import { MikroORM } from '@mikro-orm/postgresql'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { storeDatabases } from '../support/audit-stores.js'
import { root } from '../support/compile.js'
import { origin, ownLog } from '../support/logs.js'

const postgres = storeDatabases.find(({ name }) => name === 'PostgreSQL')
const [, statements = ''] = /```sql\n([\s\S]*?)```/.exec(readFileSync(join(root, 'docs/threat-model.md'), 'utf8')) ?? []

/** The queue of a process that asks for work and does none. */
async function inQueue(orm: Parameters<typeof sqlExecutor>[0], use: (queue: AuditJobs) => Promise<void>) {
  const database = sqlExecutor(orm)
  const queue = auditJobs({ database, requests: { run: async () => undefined } as never, concurrency: 0 })
  await queue.start()
  await use(queue)
  await queue.stop()
  await database.close()
}

describe.runIf(postgres?.here)('two roles, as the threat model grants them', () => {
  const own = ownLog(postgres?.open ?? (() => Promise.reject(new Error('no PostgreSQL'))))
  const role = `shop_server_${process.pid}`
  let orm: MikroORM
  let client: pg.Client

  beforeAll(async () => {
    await inQueue(own().database.orm, async () => undefined)
    for (const statement of statements.replaceAll('shop_server', role).split(';')) {
      if (statement.trim() !== '') await own().execute(statement)
    }
    await own().execute(`alter role ${role} password 'secret'`)
    const url = new URL(own().database.url as string)
    url.username = role
    url.password = 'secret'
    orm = await MikroORM.init({ clientUrl: url.href, entities: [], discovery: { warnWhenNoEntities: false } })
    client = new pg.Client({ connectionString: url.href })
    await client.connect()
  })
  afterAll(async () => {
    await client.end()
    await orm.close()
    await own().execute(`drop owned by ${role}`)
    await own().execute(`drop role ${role}`)
  })

  it('a server writes rows, and a sequencer of the owner gives them their leaves', async () => {
    const sink = mikroOrmSink(orm as never)
    const row = sampleRow()
    await sink.write([row])
    await sink.close?.()
    await own().sequencer.catchUp()
    expect(await own().reader.get(row.id)).toEqual(row)
    expect(await verifyLog(await own().log.open())).toMatchObject({ sound: true, leaves: 1 })
  })

  it('a server asks for work, which waits for the process that has the key', async () => {
    const id = rowId()
    await inQueue(orm as never, (queue) => queue.enqueue(id))
    const jobs = await own().execute(`select state from countersign_jobs.job where id = '${id}'`)
    expect(jobs).toEqual([{ state: 'created' }])
  })

  it.each([
    "update audit_event set outcome = 'success'",
    'delete from audit_event',
    'truncate audit_event',
    'alter table audit_event disable trigger all',
    "insert into audit_leaf values (99, gen_random_uuid(), sha256('x'))",
    'delete from audit_leaf',
    "insert into audit_checkpoint values (99, sha256('x'), 'x')",
    "insert into audit_receipt values (gen_random_uuid(), 'erasure', 1, 'x')",
    "insert into audit_erased values (gen_random_uuid(), sha256('x'), gen_random_uuid())",
    "update audit_log_state set done = '3:3:'",
    'drop table audit_leaf',
    "set session_replication_role = 'replica'",
  ])('a server can not: %s', async (statement) => {
    await expect(client.query(statement)).rejects.toMatchObject({ code: expect.stringMatching(/^42501$/) })
  })

  it('a server can not sign the log, whatever key it has', async () => {
    const sequencer = logSequencer(orm as never, { signer: noteSigner(newSigningKey(origin)) })
    await expect(sequencer.catchUp()).rejects.toMatchObject({ code: '42501' })
    await sequencer.stop()
  })
})

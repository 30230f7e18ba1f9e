import 'reflect-metadata'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { mikroOrmReader, mikroOrmSink } from '@countersign/adapters/mikro-orm'
import { auditedControllers, safeDefaults } from '@countersign/adapters/routing-controllers'
import { type AuditReader, type AuditTrail, actAs, createAuditTrail } from '@countersign/core'
import { AuditEvent } from '@countersign/mixins'
import { createExpressServer, JsonController, Post } from 'routing-controllers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../support/compile.js'
import { postgresAvailable, postgresDatabase, type TestDatabase } from '../support/databases.js'
import { post, type Served, serve } from '../support/serve.js'

const key = 'k'.repeat(32)

/** Runs a job in a process of its own; answers with what it printed. */
async function work(job: object): Promise<string> {
  const worker = spawn(process.execPath, [join(root, 'test/support/job-worker.js')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  worker.stdin.end(JSON.stringify(job))
  return (await text(worker.stdout)).trim()
}

describe.runIf(await postgresAvailable())('a job that a request asked for, in another process', () => {
  let database: TestDatabase
  let reader: AuditReader & { close(): Promise<void> }
  let trail: AuditTrail
  let served: Served

  @JsonController('/exports')
  class ExportController {
    static readonly className = 'ExportController'
    static readonly actor = () => null

    @AuditEvent('data_export_request')
    @Post('/')
    async ask() {
      actAs({ id: 'u-1', label: 'Ada' })
      return { job: trail.sealContext({ purpose: 'exports' }) }
    }
  }

  beforeAll(async () => {
    database = await postgresDatabase()
    trail = createAuditTrail({ sink: mikroOrmSink(database.orm), key })
    reader = mikroOrmReader(database.orm)
    served = await serve(
      createExpressServer({ ...safeDefaults, controllers: auditedControllers(trail, [ExportController]) }),
    )
  })
  afterAll(async () => {
    await served.close()
    await trail.close()
    await reader.close()
    await database.close()
  })

  const ask = async (requestId: string): Promise<string> => {
    const response = await post(`${served.url}/exports`, {}, { 'x-request-id': requestId, 'user-agent': 'Firefox' })
    return ((await response.json()) as { job: string }).job
  }

  it('leaves rows of the same request, address and person, and of the service in that person’s name', async () => {
    const context = await ask('asked-1')
    expect(await work({ context, secret: key, url: database.url })).toBe('')
    const { items } = await reader.find({ requestId: 'asked-1' })
    const rows = items.map(({ event, actor, onBehalfOf, address, userAgent, route }) => ({
      event,
      actor: actor.id,
      onBehalfOf: onBehalfOf?.id,
      address,
      userAgent,
      route,
    }))
    const from = { address: '127.0.0.1', userAgent: 'Firefox' }
    expect(rows).toEqual([
      { event: 'admin_action', actor: 'exporter', onBehalfOf: 'u-1', ...from, route: null },
      { event: 'data_export_ready', actor: 'u-1', onBehalfOf: undefined, ...from, route: null },
      { event: 'data_export_request', actor: 'u-1', onBehalfOf: undefined, ...from, route: '/exports/' },
    ])
  })

  it('is refused with another key, and records nothing in anybody’s name', async () => {
    const context = await ask('asked-2')
    expect(await work({ context, secret: 'K'.repeat(32), url: database.url })).toBe('ENVELOPE_INVALID')
    expect((await reader.find({ requestId: 'asked-2' })).items.map(({ event }) => event)).toEqual([
      'data_export_request',
    ])
  })
})

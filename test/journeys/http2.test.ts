import 'reflect-metadata'
import { type ClientHttp2Session, connect, createServer, type Http2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { auditedControllers, safeDefaults } from '@countersign/adapters/routing-controllers'
import { type AuditRow, createAuditTrail } from '@countersign/core'
import type Koa from 'koa'
import { createKoaServer } from 'routing-controllers'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { AnsweringController } from '../support/answering-controller.js'
import { slowSink } from '../support/recording.js'

// Of the two drivers only Koa's serves HTTP/2: Express 4 does not.
describe('over HTTP/2 on Koa', () => {
  const events: string[] = []
  const rows: AuditRow[] = []
  const slow = slowSink((stored) => {
    rows.push(...stored)
    events.push('stored')
  })
  let server: Http2Server
  let client: ClientHttp2Session

  beforeAll(async () => {
    const trail = createAuditTrail({ sink: slow })
    const app: Koa = createKoaServer({ ...safeDefaults, controllers: auditedControllers(trail, [AnsweringController]) })
    server = createServer(app.callback())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  })
  beforeEach(() => {
    events.length = 0
    rows.length = 0
  })
  afterAll(() => {
    client.close()
    server.close()
  })

  async function ask(method: string, path: string, body?: string) {
    const headers = { ':method': method, ':path': path, 'content-type': 'application/json' }
    const stream = client.request(headers, { endStream: body === undefined })
    if (body !== undefined) stream.end(body)
    let status: unknown
    let text = ''
    stream.on('response', (head) => {
      status = head[':status']
      events.push('answered')
    })
    stream.on('data', (chunk) => {
      text += chunk
    })
    const broken = new Promise((resolve) => {
      for (const part of [stream, client]) part.once('error', () => resolve('broken off'))
    })
    const ended = new Promise((resolve) => stream.on('end', () => resolve('whole')))
    const end = await Promise.race([broken, ended])
    return { status, text, end }
  }

  it.each<[string, string, string, string | undefined, number, string | null, string | RegExp]>([
    ['a body of unknown length', 'POST', '/answers/note', '{"text":"x"}', 200, null, '{"text":"x"}'],
    ['a malformed body', 'POST', '/answers/note', '{"te', 400, 'malformed_body', /malformed_body/],
    ['no body', 'POST', '/answers/bodiless', undefined, 200, null, '{"ok":true}'],
    ['a head', 'HEAD', '/answers/number', undefined, 200, null, ''],
    ['nothing', 'GET', '/answers/empty', undefined, 204, null, ''],
  ])('%s is answered when its one row is stored', async (_title, method, path, body, status, reason, text) => {
    const answer = await ask(method, path, body)
    expect(answer).toEqual({
      status,
      end: 'whole',
      text: typeof text === 'string' ? text : expect.stringMatching(text),
    })
    expect(rows).toMatchObject([{ status, reason }])
    expect(events).toEqual(['stored', 'answered'])
  })

  it('an answer that breaks off leaves the row of what was to go out', async () => {
    expect((await ask('GET', '/answers/half')).end).toBe('broken off')
    await expect.poll(() => rows).toMatchObject([{ status: 200 }])
  })
})

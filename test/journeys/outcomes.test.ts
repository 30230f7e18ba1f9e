import 'reflect-metadata'
import { connect } from 'node:net'
import { flexibleLimiter } from '@countersign/adapters/rate-limiter-flexible'
import { auditedControllers, safeDefaults } from '@countersign/adapters/routing-controllers'
import { type AuditRow, createAuditTrail, memorySink } from '@countersign/core'
import { AuditEvent, Throttle } from '@countersign/mixins'
import { IsEmail, IsString } from 'class-validator'
import type { Response as ExpressResponse } from 'express'
import {
  Authorized,
  Body,
  createExpressServer,
  HttpCode,
  HttpError,
  type InterceptorInterface,
  JsonController,
  Post,
  Res,
  UseInterceptor,
} from 'routing-controllers'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { post, type Served, serve } from '../support/serve.js'

class LoginRequest {
  @IsEmail() email!: string
  @IsString() password!: string
}

class Broken implements InterceptorInterface {
  intercept(): never {
    throw new Error('the interceptor broke')
  }
}

class Rejected extends HttpError {
  readonly reason = 'bad_credentials'
  constructor() {
    super(401, 'wrong password hunter2')
  }
}

const attempted = (body: LoginRequest) => body.email

@JsonController('/login')
class LoginController {
  static readonly className = 'LoginController'
  static readonly actor = () => null

  @AuditEvent('login', { attempted })
  @Post('/ok')
  async ok(@Body() body: LoginRequest) {
    return { hello: body.email.length }
  }

  @AuditEvent('login', { attempted })
  @HttpCode(400)
  @Post('/returned')
  async returned(@Body() _body: LoginRequest) {
    return { error: 'no' }
  }

  @AuditEvent('login', { attempted })
  @Post('/set')
  async set(@Body() _body: LoginRequest, @Res() response: ExpressResponse) {
    response.status(401)
    return { error: 'no' }
  }

  @AuditEvent('login', { attempted })
  @Post('/sent')
  async sent(@Body() _body: LoginRequest, @Res() response: ExpressResponse) {
    return response.status(401).json({ error: 'no' })
  }

  @AuditEvent('login', { attempted })
  @Post('/thrown')
  async thrown(@Body() _body: LoginRequest) {
    throw new Rejected()
  }

  @AuditEvent('login', { attempted })
  @Post('/crashed')
  async crashed(@Body() _body: LoginRequest) {
    throw new TypeError('secret internals')
  }

  @AuditEvent('login', { attempted })
  @Post('/void')
  async nothing(@Body() _body: LoginRequest): Promise<void> {}

  @AuditEvent('login', { attempted })
  @UseInterceptor(Broken)
  @Post('/intercepted')
  async intercepted(@Body() _body: LoginRequest) {
    return { ok: true }
  }

  @AuditEvent('login', { attempted })
  @Post('/circular')
  async circular(@Body() _body: LoginRequest) {
    const result: Record<string, unknown> = {}
    result.self = { toJSON: () => result.self, big: 1n }
    return { big: 1n }
  }

  @AuditEvent('login', { attempted })
  @Authorized()
  @Post('/guarded')
  async guarded(@Body() _body: LoginRequest) {
    return { ok: true }
  }

  @AuditEvent('login', { attempted })
  @Authorized('admin')
  @Post('/admin')
  async admin(@Body() _body: LoginRequest) {
    return { ok: true }
  }

  @AuditEvent('login', { attempted })
  @Throttle('login')
  @Post('/throttled')
  async throttled_(@Body() _body: LoginRequest) {
    throw new Rejected()
  }

  @AuditEvent('login', { attempted })
  @Post('/streamed')
  async streamed(@Body() _body: LoginRequest, @Res() response: ExpressResponse) {
    for (let part = 0; part < 5; part++) {
      response.write(`${part},`)
      await new Promise((resolve) => setImmediate(resolve))
    }
    response.end('end')
    return response
  }
}

const sink = memorySink()
const trail = createAuditTrail({
  sink,
  limiter: flexibleLimiter({ scopes: { login: { address: '8/min', failures: '5/5min' } } }),
})
const right = { email: 'ada@example.org', password: 'hunter2' }

let served: Served
beforeAll(async () => {
  const app = createExpressServer({
    ...safeDefaults,
    controllers: auditedControllers(trail, [LoginController]),
    authorizationChecker: () => false,
  })
  served = await serve(app)
})
afterAll(() => served.close())
beforeEach(() => sink.clear())

function onlyRow(): AuditRow {
  expect(sink.rows).toHaveLength(1)
  return sink.rows[0] as AuditRow
}

async function attempt(path: string, body: unknown = right, headers?: Record<string, string>) {
  const response = await post(`${served.url}/login${path}`, body, headers)
  return { status: response.status, response, text: await response.text() }
}

describe('an audited route leaves exactly one row, with the outcome that the client saw', () => {
  it.each([
    ['a result', '/ok', 200, 'success', null],
    ['a returned 4xx', '/returned', 400, 'failure', 'invalid_request'],
    ['a set 401 with a body', '/set', 401, 'failure', 'unauthenticated'],
    ['a sent 401', '/sent', 401, 'failure', 'unauthenticated'],
    ['a thrown error', '/thrown', 401, 'failure', 'bad_credentials'],
    ['a crash', '/crashed', 500, 'failure', 'internal_error'],
    ['a void result that becomes 404', '/void', 404, 'failure', 'not_found'],
    ['a throwing interceptor', '/intercepted', 500, 'failure', 'internal_error'],
    ['an unserialisable result', '/circular', 500, 'failure', 'internal_error'],
    ['a guard that refuses an anonymous caller', '/guarded', 401, 'denied', 'unauthenticated'],
    ['a guard that refuses a role', '/admin', 403, 'denied', 'forbidden'],
    ['a streamed response', '/streamed', 200, 'success', null],
  ] as const)('for %s', async (_title, path, status, outcome, reason) => {
    const answer = await attempt(path)
    expect(answer.status).toBe(status)
    expect(onlyRow()).toMatchObject({ event: 'login', outcome, reason, status, className: 'LoginController' })
    expect(onlyRow()).toMatchObject({ route: `/login${path}`, httpMethod: 'POST', address: '127.0.0.1' })
  })

  it('for a body that fails validation, without repeating it', async () => {
    const answer = await attempt('/ok', { email: 'hunter2', password: 7, isAdmin: true })
    expect(answer.status).toBe(400)
    expect(answer.response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(answer.text).not.toContain('hunter2')
    expect(answer.text).not.toContain('isAdmin')
    expect(JSON.parse(answer.text)).toMatchObject({
      status: 400,
      code: 'validation_failed',
      request_id: onlyRow().requestId,
    })
    expect(onlyRow()).toMatchObject({ outcome: 'failure', reason: 'validation_failed', status: 400 })
  })

  it.each([
    ['malformed JSON', '{"email": "hunter2', 400, 'malformed_body'],
    ['a number', '7', 400, 'malformed_body'],
    ['null', 'null', 400, 'malformed_body'],
    ['an array instead of an object', '[{"email":"a@b.co","password":"x"}]', 400, 'malformed_body'],
    ['an empty body', '', 400, 'validation_failed'],
    ['invalid UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), 400, 'malformed_body'],
    ['nesting ten thousand deep', `{"email":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, 400, 'malformed_body'],
    [
      'a prototype in the body',
      '{"email":"a@b.co","password":"x","__proto__":{"isAdmin":true}}',
      400,
      'malformed_body',
    ],
    ['a body over the limit', `{"email":"${'a'.repeat(200_000)}"}`, 413, 'payload_too_large'],
  ] as const)('for %s', async (_title, body, status, reason) => {
    const answer = await attempt('/ok', body)
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.text)).toMatchObject({ status, code: reason })
    expect(answer.text).not.toContain('hunter2')
    expect(onlyRow()).toMatchObject({ outcome: 'failure', reason, status })
  })

  it.each(['text/plain', 'application/vnd.api+json', 'application/json; charset=utf-7'])(
    'for the media type %s',
    async (type) => {
      const answer = await attempt('/ok', JSON.stringify(right), { 'content-type': type })
      expect(answer.status).toBe(415)
      expect(onlyRow()).toMatchObject({ outcome: 'failure', reason: 'unsupported_media_type', status: 415 })
    },
  )

  it('for an anonymous caller who is throttled by identifier, then by address', async () => {
    for (let wrong = 0; wrong < 5; wrong++) expect((await attempt('/throttled')).status).toBe(401)
    const byIdentifier = await attempt('/throttled')
    expect(byIdentifier.status).toBe(429)
    expect(Number(byIdentifier.response.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(byIdentifier.response.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(JSON.parse(byIdentifier.text)).toMatchObject({ status: 429, code: 'throttled' })
    expect(sink.rows).toHaveLength(6)
    expect(sink.rows[5]).toMatchObject({
      outcome: 'denied',
      reason: 'throttled',
      status: 429,
      scope: 'login',
      limit: 5,
      actor: { type: 'anonymous' },
    })
    const others = [
      await attempt('/throttled', { email: 'b@example.org', password: 'x' }),
      await attempt('/throttled', { email: 'c@example.org', password: 'x' }),
    ]
    expect(others.map(({ status }) => status)).toEqual([401, 401])
    const byAddress = await attempt('/throttled', 'not even JSON')
    expect(byAddress.status).toBe(429)
    expect(byAddress.response.headers.get('ratelimit-limit')).toBe('8')
    expect(sink.rows).toHaveLength(9)
    expect(sink.rows[8]).toMatchObject({ outcome: 'denied', reason: 'throttled', limit: 8, attempted: null })
  })

  it('and keeps what was typed as a hash and a masked form only', async () => {
    await attempt('/thrown', { email: 'hunter2@secret.org', password: 'hunter2' })
    const row = onlyRow()
    expect(row.attempted?.masked).toBe('h***@s***.org')
    expect(row.attempted?.hash).toBe(trail.identifierHash(' Hunter2@SECRET.org '))
    expect(JSON.stringify(row)).not.toContain('hunter2')
  })

  it('for a client that leaves before the body is complete', async () => {
    const { port } = new URL(served.url)
    const socket = connect(Number(port), '127.0.0.1')
    socket.write(
      'POST /login/ok HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"email":',
    )
    await new Promise((resolve) => setTimeout(resolve, 50))
    socket.destroy()
    await expect.poll(() => sink.rows.length).toBe(1)
    expect(onlyRow()).toMatchObject({ outcome: 'failure', reason: 'client_disconnected' })
  })
})

describe('what a request claims about itself', () => {
  it('is believed of X-Forwarded-For only from trusted proxies', async () => {
    await attempt('/ok', right, { 'x-forwarded-for': '203.0.113.9' })
    expect(onlyRow()).toMatchObject({ address: '127.0.0.1', proxies: null })
  })

  it('is taken over as request id when it is well-formed, else replaced', async () => {
    await attempt('/ok', right, { 'x-request-id': 'req-7.A_b' })
    await attempt('/ok', right, { 'x-request-id': 'x'.repeat(65) })
    await attempt('/ok', right, { 'x-request-id': '<script>' })
    expect(sink.rows[0]?.requestId).toBe('req-7.A_b')
    for (const row of sink.rows.slice(1)) expect(row.requestId).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('never breaks a row: ten kilobytes of user agent are bounded, control characters replaced', async () => {
    await attempt('/ok', right, { 'user-agent': `evil\u00a0${'x'.repeat(10_000)}` })
    expect(onlyRow().userAgent?.length).toBe(512)
  })
})

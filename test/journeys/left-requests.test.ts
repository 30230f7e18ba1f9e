import 'reflect-metadata'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { flexibleLimiter } from '@countersign/adapters/rate-limiter-flexible'
import { auditedControllers, requestOf } from '@countersign/adapters/routing-controllers'
import { type AuditContext, type AuditLimiter, createAuditTrail, memorySink } from '@countersign/core'
import { AuditEvent, Throttle } from '@countersign/mixins'
import { IsString } from 'class-validator'
import {
  Authorized,
  Body,
  Delete,
  ForbiddenError,
  JsonController,
  Post,
  Req,
  Res,
  UnauthorizedError,
  UploadedFile,
} from 'routing-controllers'
import { afterEach, describe, expect, it } from 'vitest'
import { type AnyResponse, type DriverOptions, drivers, outgoingOf } from '../support/drivers.js'
import { onlyRow, sleep } from '../support/recording.js'
import type { Served } from '../support/serve.js'

class Credentials {
  @IsString()
  email!: string
}

const done: string[] = []

@JsonController()
class Leavable {
  static readonly className = 'Leavable'
  static readonly actor = (context: AuditContext) =>
    requestOf(context)?.headers.authorization ? { type: 'user' as const, id: 'mallory' } : null

  @AuditEvent('logout')
  @Authorized()
  @Delete('/guarded')
  async guarded() {
    done.push('deleted')
    return { ok: true }
  }

  @AuditEvent('logout')
  @Post('/plain')
  async plain() {
    await sleep(100)
    done.push('logged out')
    return { ok: true }
  }

  @AuditEvent('login')
  @Post('/wrong')
  async wrong() {
    await sleep(100)
    throw Object.assign(new UnauthorizedError('wrong'), { reason: 'bad_credentials' })
  }

  @AuditEvent('login')
  @Post('/upstream')
  async upstream() {
    await sleep(100)
    throw Object.assign(new Error('another connection'), { code: 'ECONNRESET' })
  }

  @AuditEvent('file_upload')
  @Post('/stream')
  async stream(@Req() request: IncomingMessage | { req: IncomingMessage }) {
    for await (const _ of 'req' in request ? request.req : request) done.push('chunk')
    return { ok: true }
  }

  @AuditEvent('login')
  @Authorized()
  @Post('/body')
  async body(@Body() _body: Credentials) {
    done.push('body')
    return { ok: true }
  }

  @AuditEvent('login')
  @Throttle('login')
  @Post('/throttled')
  async throttled(@Body() _body: Credentials) {
    done.push('throttled')
    return { ok: true }
  }

  @AuditEvent('file_upload')
  @Post('/file')
  async file(@UploadedFile('file') _file: unknown) {
    done.push('file')
    return { ok: true }
  }

  @AuditEvent('file_upload')
  @Authorized()
  @Post('/guarded-file')
  async guardedFile(@UploadedFile('file') _file: unknown) {
    done.push('file')
    return { ok: true }
  }

  @AuditEvent('login')
  @Post('/destroyed')
  async destroyed(@Res() response: AnyResponse) {
    outgoingOf(response).destroy()
    return { ok: true }
  }

  @AuditEvent('login')
  @Post('/destroyed-and-thrown')
  async destroyedAndThrown(@Res() response: AnyResponse) {
    outgoingOf(response).destroy()
    throw new ForbiddenError('no')
  }
}

/** What a client sends before it leaves, and how many bytes it owes. */
interface Sent {
  readonly method?: string
  readonly type?: string
  readonly encoding?: string
  readonly body?: string | Buffer
  readonly owed?: number
}

const json = 'application/json'
const form = 'multipart/form-data; boundary=b'
const wholeForm =
  '--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\ntext\r\n--b--\r\n'

async function leave(url: string, path: string, sent: Sent = {}): Promise<void> {
  const { method = 'POST', type, encoding, body = '', owed = 1 } = sent
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  const head = [
    `${method} ${path} HTTP/1.1`,
    'Host: x',
    'Authorization: x',
    `Content-Length: ${Buffer.byteLength(body) + owed}`,
    ...(type === undefined ? [] : [`Content-Type: ${type}`]),
    ...(encoding === undefined ? [] : [`Content-Encoding: ${encoding}`]),
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n`)
  if (body.length > 0) socket.write(body)
  await sleep(50)
  socket.destroy()
}

/** Counts like any other, and takes its time. */
function slowly(limiter: AuditLimiter): AuditLimiter {
  return {
    ...limiter,
    async reserve(scope, by, key) {
      await sleep(150)
      return limiter.reserve(scope, by, key)
    },
  }
}

for (const driver of drivers) {
  describe(`on ${driver.name}, a client`, () => {
    const sink = memorySink()
    let served: Served | undefined
    afterEach(async () => {
      await served?.close()
      sink.clear()
      done.length = 0
    })

    async function start(options: DriverOptions = {}, limit: string | null = null): Promise<string> {
      const limiter = slowly(flexibleLimiter({ scopes: { login: limit } }))
      const trail = createAuditTrail({ sink, limiter })
      served = await driver.serve(auditedControllers(trail, [Leavable]), { ...slowGuard(true), ...options })
      return served.url
    }

    const slowGuard = (allows: boolean): DriverOptions => ({
      authorizationChecker: async () => {
        await sleep(150)
        return allows
      },
    })

    /** Long before the limit of a handler that never ends. */
    async function rowOf() {
      await expect.poll(() => sink.rows.length, { timeout: 2000 }).toBe(1)
      await sleep(300)
      return onlyRow(sink)
    }

    const mallory = { type: 'user', id: 'mallory' }

    it.each([0, 1])(
      'that leaves owing %i bytes of a body that nobody declared, in a guard, is recorded with what was done',
      async (owed) => {
        await leave(await start(), '/guarded', { method: 'DELETE', type: 'application/x', owed })
        expect(await rowOf()).toMatchObject({ outcome: 'success', status: 200, reason: null, actor: mallory })
        expect(done).toEqual(['deleted'])
      },
    )

    it('that leaves owing a byte, in a guard that refuses, is recorded as refused', async () => {
      await leave(await start(slowGuard(false)), '/guarded', { method: 'DELETE' })
      expect(await rowOf()).toMatchObject({ status: 401, reason: 'unauthenticated' })
      expect(done).toEqual([])
    })

    it.each([
      ['/plain', { outcome: 'success', status: 200, reason: null, actor: mallory }],
      ['/wrong', { outcome: 'failure', status: 401, reason: 'bad_credentials' }],
      ['/upstream', { outcome: 'failure', status: 500, reason: 'internal_error' }],
    ])('that leaves owing a byte, while the handler of %s runs, is recorded as it ended', async (path, expected) => {
      await leave(await start(), path)
      expect(await rowOf()).toMatchObject(expected)
    })

    const left = { outcome: 'failure', status: 499, reason: 'client_disconnected' }

    it.each<[string, string, Sent]>([
      ['JSON that is declared', '/body', { type: json, body: '{"email":"a' }],
      ['JSON of which nothing came', '/body', { type: json }],
      [
        'JSON that is compressed',
        '/body',
        { type: json, encoding: 'gzip', body: gzipSync('{"email":"a"}').subarray(0, 12) },
      ],
      ['a file', '/file', { type: form, body: wholeForm.slice(0, 110) }],
      ['a form that is whole but for what the head promised', '/file', { type: form, body: wholeForm, owed: 5 }],
      ['a body that the handler itself reads', '/stream', { type: 'application/x', body: 'abc' }],
    ])('that leaves in the middle of %s is recorded at once as gone', async (_title, path, sent) => {
      await leave(await start(), path, sent)
      expect(await rowOf()).toMatchObject(left)
      expect(done.filter((what) => what !== 'chunk')).toEqual([])
    })

    it.each([
      ['JSON', '/body', { type: json, body: '{"email":"a' }],
      ['a file', '/file', { type: form, body: wholeForm, owed: 5 }],
    ])(
      'that leaves in the middle of %s is recorded as gone where errors are not ours to answer',
      async (_title, path, sent) => {
        await leave(await start({ middlewares: [], defaultErrorHandler: true }), path, sent)
        expect((await rowOf()).outcome).toBe('failure')
      },
    )

    it.each([0, 5])(
      'that leaves in a guard before a file, owing %i bytes, is recorded when the file can’t come',
      async (owed) => {
        await leave(await start(), '/guarded-file', { type: form, body: wholeForm, owed })
        expect(await rowOf()).toMatchObject(left)
        expect(done).toEqual([])
      },
    )

    it('that leaves in a guard before a file that refuses is recorded as refused', async () => {
      await leave(await start(slowGuard(false)), '/guarded-file', { type: form, body: wholeForm, owed: 5 })
      expect(await rowOf()).toMatchObject({ status: 401, reason: 'unauthenticated' })
    })

    it('that leaves while it is counted, before its body is read, is recorded as gone', async () => {
      await leave(await start({}, '9/min'), '/throttled', { type: json, body: '{"email":"a' })
      expect(await rowOf()).toMatchObject(left)
    })

    it('that leaves while it is counted as one too many is recorded as throttled', async () => {
      const url = await start({}, '1/min')
      await leave(url, '/throttled', { type: json, body: '{"email":"a' })
      await rowOf()
      sink.clear()
      await leave(url, '/throttled', { type: json, body: '{"email":"a' })
      expect(await rowOf()).toMatchObject({ outcome: 'denied', status: 429 })
    })

    describe('whose connection the handler itself destroys', () => {
      it.each([
        ['and returns', '/destroyed', { outcome: 'success', status: 200, reason: null }],
        ['and throws', '/destroyed-and-thrown', { outcome: 'denied', status: 403 }],
      ])('%s, is recorded at once as it ended', async (_title, path, expected) => {
        await fetch(`${await start()}${path}`, { method: 'POST' }).catch(() => undefined)
        expect(await rowOf()).toMatchObject(expected)
      })
    })
  })
}

import 'reflect-metadata'
import { Readable } from 'node:stream'
import {
  auditedControllers,
  type ControllerClass,
  ProblemErrors,
  requestOf,
  safeDefaults,
} from '@countersign/adapters/routing-controllers'
import { type AuditContext, createAuditTrail, memorySink } from '@countersign/core'
import { AuditEvent } from '@countersign/mixins'
import { IsString } from 'class-validator'
import Koa from 'koa'
import {
  Body,
  Ctx,
  createExecutor,
  createKoaServer,
  Get,
  HttpError,
  JsonController,
  KoaDriver,
  Middleware,
  Post,
  useKoaServer,
} from 'routing-controllers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { post, type Served, serve } from '../support/serve.js'

class Note {
  @IsString() text!: string
}

type KoaRequest = Koa.Request & { body?: unknown }

@JsonController('/notes')
class Notes {
  static readonly className = 'Notes'
  static readonly actor = (context: AuditContext) => {
    const id: unknown = requestOf<Koa.Request>(context)?.ctx.state.user
    return typeof id === 'string' ? { type: 'user' as const, id } : null
  }

  @AuditEvent('login')
  @Post('/')
  async note(@Body() { text }: Note) {
    return { text }
  }

  @AuditEvent('login')
  @Post('/raw')
  async raw(@Ctx() context: Koa.Context) {
    return { text: (context.request as KoaRequest).body }
  }

  @AuditEvent('login')
  @Get('/thrown')
  async thrown() {
    throw new HttpError(409, 'no')
  }

  @AuditEvent('login')
  @Get('/unspeakable')
  async unspeakable() {
    return { big: 1n }
  }

  @AuditEvent('login')
  @Get('/broken')
  async broken() {
    return new Readable({ read: () => undefined }).once('newListener', function (this: Readable) {
      setImmediate(() => this.destroy(new Error('the disk is gone')))
    })
  }
}

@JsonController('/others')
class Others {
  static readonly className = 'Others'
  static readonly actor = () => null

  @AuditEvent('login')
  @Post('/own')
  async own(@Body() { text }: Note) {
    return { text }
  }
}

const sink = memorySink()
const trail = createAuditTrail({ sink })
const audited = (...controllers: ControllerClass[]) => ({
  ...safeDefaults,
  controllers: auditedControllers(trail, controllers),
})
let served: Served | undefined
beforeEach(() => sink.clear())
afterEach(async () => {
  await served?.close()
  served = undefined
})

async function listen(app: Koa): Promise<string> {
  app.silent = true
  served = await serve(app.callback())
  return served.url
}

const malformed = '{"text'

describe('an application of the user’s own', () => {
  it('says in front who acts, and has its own routes behind', async () => {
    const app = new Koa()
    app.use((context, next) => {
      context.state.user = 'ada'
      return next()
    })
    useKoaServer(app, { ...audited(Notes), routePrefix: '/api' })
    app.use(async ({ path, request, response }, next) => {
      if (path !== '/own') return next()
      response.body = { read: (request as KoaRequest).body }
    })
    const url = await listen(app)
    expect(await (await post(`${url}/own`, { a: 1 })).json()).toEqual({ read: { a: 1 } })
    expect(sink.rows).toEqual([])
    expect(await (await post(`${url}/api/notes`, { text: 'x' })).json()).toEqual({ text: 'x' })
    expect((await post(`${url}/api/notes`, malformed)).status).toBe(400)
    expect(sink.rows).toMatchObject([
      { outcome: 'success', route: '/api/notes', actor: { id: 'ada' } },
      { outcome: 'failure', reason: 'malformed_body', route: '/api/notes', actor: { id: 'ada' } },
    ])
    expect((await post(`${url}/notes`, { text: 'x' })).status).toBe(404)
  })

  it('may read bodies in front: what it read is what is validated', async () => {
    const app = new Koa()
    app.use(async (context, next) => {
      ;(context.request as KoaRequest).body = JSON.parse(Buffer.concat(await context.req.toArray()).toString())
      return next()
    })
    useKoaServer(app, audited(Notes))
    const url = await listen(app)
    expect((await post(`${url}/notes`, { text: 'x' })).status).toBe(200)
    expect((await post(`${url}/notes`, { text: 1 })).status).toBe(400)
    expect((await post(`${url}/notes`, [{ text: 'x' }])).status).toBe(400)
    expect(sink.rows.map(({ reason }) => reason)).toEqual([null, 'validation_failed', 'malformed_body'])
  })

  it('may say that no body is read', async () => {
    const app = new Koa()
    app.use((context, next) => {
      ;(context as { disableBodyParser?: boolean }).disableBodyParser = true
      return next()
    })
    useKoaServer(app, audited(Notes))
    expect(await (await post(`${await listen(app)}/notes/raw`, { a: 1 })).json()).toEqual({})
    expect(sink.rows).toHaveLength(1)
  })

  it('may carry two servers: neither reads a body before the other’s attempt is open', async () => {
    const app = new Koa()
    useKoaServer(app, { ...audited(Notes), routePrefix: '/one' })
    useKoaServer(app, { ...audited(Others), routePrefix: '/two' })
    const url = await listen(app)
    expect((await post(`${url}/two/others/own`, malformed)).status).toBe(400)
    expect((await post(`${url}/two/others/own`, { text: 'x' })).status).toBe(200)
    expect((await post(`${url}/one/notes`, malformed)).status).toBe(400)
    expect(sink.rows.map(({ route, reason }) => [route, reason])).toEqual([
      ['/two/others/own', 'malformed_body'],
      ['/two/others/own', null],
      ['/one/notes', 'malformed_body'],
    ])
  })

  it('may see in its own middleware what was answered, problems too', async () => {
    const seen: unknown[] = []
    const app = new Koa()
    app.use(async (context, next) => {
      await next()
      seen.push(context.status)
      context.set('x-seen', 'yes')
    })
    useKoaServer(app, audited(Notes))
    const response = await fetch(`${await listen(app)}/notes/thrown`)
    expect(seen).toEqual([409])
    expect(response.headers.get('x-seen')).toBe('yes')
    expect(response.headers.get('content-type')).toMatch(/problem\+json/)
  })
})

describe('a driver that was not prepared, as of a second copy of routing-controllers', () => {
  class Unprepared extends KoaDriver {
    override initialize(): void {
      // It reads no body before the route, and nor does anybody else.
    }
  }

  it('serves no audited action', async () => {
    const app = new Koa()
    const faults: unknown[] = []
    app.on('error', (error) => faults.push(error.code))
    createExecutor(new Unprepared(app), audited(Notes))
    const response = await post(`${await listen(app)}/notes`, { text: 'x' })
    expect(response.status).toBe(500)
    expect(faults).toEqual(['CONTROLLERS_INVALID'])
    expect(sink.rows).toMatchObject([{ outcome: 'failure', status: 500 }])
  })
})

describe('a handler on Koa', () => {
  it('reads what it has not declared from its context, when the attempt is open', async () => {
    const url = await listen(createKoaServer(audited(Notes)))
    expect(await (await post(`${url}/notes/raw`, { a: 1 })).json()).toEqual({ text: { a: 1 } })
    expect((await post(`${url}/notes/raw`, malformed)).status).toBe(400)
    expect(sink.rows.map(({ reason }) => reason)).toEqual([null, 'malformed_body'])
  })

  it('whose stream breaks before its first byte leaves a failure at once', async () => {
    const url = await listen(createKoaServer(audited(Notes)))
    await expect(fetch(`${url}/notes/broken`)).rejects.toThrow()
    await expect.poll(() => sink.rows).toMatchObject([{ outcome: 'failure', reason: 'internal_error', status: null }])
  })
})

// Without a list of middlewares routing-controllers takes all that there are.
@Middleware({ type: 'before' })
class Passing {
  use(_context: Koa.Context, next: Koa.Next) {
    return next()
  }
}

@Middleware({ type: 'after' })
class Logged extends ProblemErrors {
  static readonly logged: unknown[] = []
  override error(...given: Parameters<ProblemErrors['error']>) {
    Logged.logged.push((given[0] as Error).message)
    super.error(...given)
  }
}

describe('without problem documents', () => {
  it.each([
    ['routing-controllers answers', { defaultErrorHandler: true, middlewares: [Passing] }, 409],
    ['Koa answers', { defaultErrorHandler: false, middlewares: [Passing] }, 500],
  ])('%s, and the row says what', async (_title, options, status) => {
    const url = await listen(createKoaServer({ ...audited(Notes), ...options }))
    expect((await fetch(`${url}/notes/thrown`)).status).toBe(status)
    expect((await fetch(`${url}/notes/unspeakable`)).status).toBe(500)
    expect((await fetch(`${url}/nowhere`)).headers.get('content-type')).toMatch(/^text\/plain/)
    expect(sink.rows).toMatchObject([
      { outcome: 'failure', status },
      { outcome: 'failure', status: 500 },
    ])
  })

  it('a class of one’s own that extends them is asked instead', async () => {
    const url = await listen(createKoaServer({ ...audited(Notes), middlewares: [Logged] }))
    expect(await (await fetch(`${url}/notes/thrown`)).json()).toMatchObject({ status: 409, code: 'conflict' })
    expect(Logged.logged).toEqual(['no'])
  })
})

import 'reflect-metadata'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { flexibleLimiter } from '@countersign/adapters/rate-limiter-flexible'
import { auditedControllers, safeDefaults } from '@countersign/adapters/routing-controllers'
import { type AuditSink, createAuditTrail, type MemorySink, memorySink } from '@countersign/core'
import { AuditEvent, Throttle } from '@countersign/mixins'
import express, { type Response as ExpressResponse, type NextFunction, type Request } from 'express'
import {
  Authorized,
  createExpressServer,
  HttpCode,
  JsonController,
  Post,
  Res,
  useExpressServer,
} from 'routing-controllers'
import { afterEach, describe, expect, it } from 'vitest'
import { post, type Served, serve } from '../support/serve.js'

const actor = () => null
let served: Served | undefined
afterEach(async () => {
  await served?.close()
  served = undefined
})

async function start(sink: AuditSink, Controller: unknown, scopes = {}): Promise<string> {
  const trail = createAuditTrail({ sink, limiter: flexibleLimiter({ scopes: { login: null, ...scopes } }) })
  served = await serve(
    createExpressServer({
      ...safeDefaults,
      controllers: auditedControllers(trail, [Controller as never]),
      authorizationChecker: async () => {
        await wait(100)
        return true
      },
    }),
  )
  return served.url
}

/** Sends a request and hangs up after so many milliseconds. */
async function hangUp(url: string, after: number): Promise<void> {
  const { port, pathname } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1')
  socket.write(`POST ${pathname} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`)
  await wait(after)
  socket.destroy()
}

async function rowsOf(sink: MemorySink) {
  await expect.poll(() => sink.rows.length, { timeout: 3000 }).toBeGreaterThan(0)
  await wait(300)
  return sink.rows
}

@JsonController()
class Slow {
  static readonly className = 'Slow'
  static readonly actor = actor

  @AuditEvent('login')
  @Authorized()
  @Post('/guarded')
  async guarded() {
    return { ok: true }
  }

  @AuditEvent('login')
  @Post('/set')
  async set(@Res() response: ExpressResponse) {
    await wait(150)
    response.status(401)
    return { error: 'no' }
  }

  @AuditEvent('login')
  @HttpCode(403)
  @Post('/coded')
  async coded() {
    await wait(150)
    return { error: 'no' }
  }

  @AuditEvent('login')
  @Post('/thrown')
  async thrown() {
    await wait(150)
    throw Object.assign(new Error('no'), { httpCode: 401, reason: 'bad_credentials' })
  }
}

describe('a client that hangs up', () => {
  it.each([
    ['before the handler, in a guard', '/guarded', 20, { outcome: 'success', status: 200 }],
    ['while a handler is on its way to a set 401', '/set', 50, { outcome: 'failure', status: 401 }],
    ['while a handler is on its way to a declared 403', '/coded', 50, { outcome: 'denied', status: 403 }],
    ['while a handler is on its way to a throw', '/thrown', 50, { outcome: 'failure', reason: 'bad_credentials' }],
  ])('%s leaves one row, as it would have ended', async (_title, path, after, expected) => {
    const sink = memorySink()
    await hangUp(`${await start(sink, Slow)}${path}`, after)
    const rows = await rowsOf(sink)
    expect(rows).toHaveLength(1)
    expect(rows[0]).toMatchObject(expected)
  })
})

describe('a throttled hook', () => {
  it.each([
    ['what JSON has no word for', () => ({ n: 1n })],
    [
      'a circle',
      () =>
        Object.assign(
          {},
          {
            get self() {
              return this
            },
          },
        ),
    ],
    [
      'what throws when it is looked at',
      () => ({
        toJSON() {
          throw new Error('no')
        },
      }),
    ],
  ])('that returns %s gets the default refusal, and the process lives on', async (_title, shape) => {
    @JsonController()
    class Limited {
      static readonly className = 'Limited'
      static readonly actor = actor
      @AuditEvent('login')
      @Throttle('login')
      @Post('/limited')
      async login() {
        return { ok: true }
      }
      async throttled() {
        return shape()
      }
    }
    const sink = memorySink()
    const url = `${await start(sink, Limited, { login: '1/min' })}/limited`
    await post(url, {})
    const refused = await post(url, {})
    expect(refused.status).toBe(429)
    expect(refused.headers.get('content-type')).toMatch(/problem\+json/)
    expect(sink.rows).toMatchObject([{ outcome: 'success' }, { outcome: 'denied', status: 429 }])
  })
})

describe('a handler that throws', () => {
  const hostile = Object.defineProperty({}, 'httpCode', {
    get() {
      throw new Error('no')
    },
  })
  const lying = Object.assign(new Error('no'), { httpCode: 400, errors: [null] })
  it.each<[string, unknown]>([
    ['null', null],
    ['an error that throws when it is looked at', hostile],
    ['an error with impossible fields', lying],
    ['a symbol', Symbol('no')],
    ["'route'", 'route'],
  ])('%s is answered with a problem and leaves one failure', async (_title, thrown) => {
    @JsonController()
    class Throwing {
      static readonly className = 'Throwing'
      static readonly actor = actor
      @AuditEvent('login')
      @Throttle('login')
      @Post('/throwing')
      async login() {
        throw thrown
      }
    }
    const sink = memorySink()
    const response = await post(`${await start(sink, Throwing, { login: { failures: '9/min' } })}/throwing`, {})
    expect(response.status).toBeGreaterThanOrEqual(400)
    expect(response.headers.get('content-type')).toMatch(/problem\+json/)
    expect(sink.rows).toHaveLength(1)
    expect(sink.rows[0]).toMatchObject({ outcome: 'failure', status: response.status })
  })
})

describe('the real status', () => {
  it('is the one of the answer when the handler’s was none', async () => {
    @JsonController()
    class Odd {
      static readonly className = 'Odd'
      static readonly actor = actor
      @AuditEvent('login')
      @Post('/odd')
      async login(@Res() response: ExpressResponse) {
        response.status(99)
        return { ok: true }
      }
    }
    const sink = memorySink()
    const response = await post(`${await start(sink, Odd)}/odd`, {})
    expect(response.status).toBe(500)
    expect(sink.rows).toMatchObject([{ outcome: 'failure', status: 500 }])
  })

  it('is the one that a middleware in front set while the head was written', async () => {
    @JsonController()
    class Plain {
      static readonly className = 'Plain'
      static readonly actor = actor
      @AuditEvent('login')
      @Post('/plain')
      async login() {
        return { ok: true }
      }
    }
    const sink = memorySink()
    const app = express()
    app.use((_request: Request, response: ExpressResponse, next: NextFunction) => {
      const { writeHead } = response
      response.writeHead = function (this: ExpressResponse) {
        response.statusCode = 503
        return (writeHead as (...args: unknown[]) => ExpressResponse).call(this, 503)
      } as never
      next()
    })
    useExpressServer(app, { ...safeDefaults, controllers: auditedControllers(createAuditTrail({ sink }), [Plain]) })
    served = await serve(app)
    expect((await post(`${served.url}/plain`, {})).status).toBe(503)
    expect(sink.rows).toMatchObject([{ outcome: 'failure', status: 503 }])
  })
})

describe('the hold on a response', () => {
  it('also holds one that was pipelined behind another', async () => {
    const events: string[] = []
    const slow: AuditSink = {
      name: 'slow',
      async write() {
        await wait(300)
        events.push('stored')
      },
    }
    @JsonController()
    class Pair {
      static readonly className = 'Pair'
      static readonly actor = actor
      @Post('/unaudited')
      async unaudited() {
        await wait(100)
        return { first: true }
      }
      @AuditEvent('login')
      @Post('/audited')
      async audited() {
        return { second: true }
      }
    }
    const { port } = new URL(await start(slow, Pair))
    const socket = connect(Number(port), '127.0.0.1')
    socket.on('data', (chunk) => {
      if (chunk.toString().includes('second')) events.push('answered')
    })
    const request = (path: string) => `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`
    socket.write(request('/unaudited') + request('/audited'))
    await expect.poll(() => events, { timeout: 3000 }).toEqual(['stored', 'answered'])
    socket.destroy()
  })
})

describe('a controller that is listed twice', () => {
  it('is prepared once, and leaves one row', async () => {
    const sink = memorySink()
    const trail = createAuditTrail({ sink, limiter: flexibleLimiter({ scopes: { login: null } }) })
    const controllers = auditedControllers(trail, [Slow, Slow])
    expect(controllers).toEqual([Slow])
    served = await serve(createExpressServer({ ...safeDefaults, controllers, authorizationChecker: () => true }))
    await post(`${served.url}/coded`, {})
    expect(sink.rows).toHaveLength(1)
  })

  it('is refused while it waits for the server of another trail', () => {
    const [one, two] = [memorySink(), memorySink()].map((sink) => createAuditTrail({ sink }))
    @JsonController()
    class Waiting {
      static readonly className = 'Waiting'
      static readonly actor = actor
      @AuditEvent('login')
      @Post('/waiting')
      async login() {
        return {}
      }
    }
    const controllers = auditedControllers(one as never, [Waiting])
    expect(() => auditedControllers(two as never, [Waiting])).toThrow(/server that is not created yet/)
    createExpressServer({ controllers })
    expect(() => auditedControllers(two as never, [Waiting])).not.toThrow()
  })
})

describe('what is no list of classes', () => {
  it.each([
    ['an undefined in the list, as a circular import leaves it', [undefined]],
    ['a path', ['./controllers/*.js']],
    ['an instance', [new Slow()]],
    ['a class', Slow],
  ])('is refused with one sentence: %s', (_title, controllers) => {
    const trail = createAuditTrail({ sink: memorySink() })
    expect(() => auditedControllers(trail, controllers as never)).toThrow(/takes a list of classes/)
  })
})

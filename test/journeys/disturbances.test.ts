import 'reflect-metadata'
import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { flexibleLimiter } from '@countersign/adapters/rate-limiter-flexible'
import { auditedControllers } from '@countersign/adapters/routing-controllers'
import { type AuditSink, createAuditTrail, type MemorySink, memorySink } from '@countersign/core'
import { AuditEvent, Throttle } from '@countersign/mixins'
import { Authorized, HttpCode, JsonController, Post, Res } from 'routing-controllers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AnyResponse, type Driver, drivers, setStatus } from '../support/drivers.js'
import { nextTurn, slowSink } from '../support/recording.js'
import { post, type Served, serve } from '../support/serve.js'

const actor = () => null

/** Where a handler says that it has begun, and waits until the test lets it go on. */
function meeting() {
  const [begun, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const wait = (): Promise<void> => {
    begun.resolve()
    return goOn.promise
  }
  return { wait, begun: begun.promise, goOn: goOn.resolve }
}

let served: Served | undefined
let halfway: ReturnType<typeof meeting>
beforeEach(() => {
  halfway = meeting()
})
afterEach(async () => {
  await served?.close()
  served = undefined
})

async function start(driver: Driver, sink: AuditSink, Controller: unknown, scopes = {}): Promise<string> {
  const trail = createAuditTrail({ sink, limiter: flexibleLimiter({ scopes: { login: null, ...scopes } }) })
  served = await driver.serve(auditedControllers(trail, [Controller as never]), {
    authorizationChecker: async () => {
      await halfway.wait()
      return true
    },
  })
  return served.url
}

/** Sends a request and hangs up when its handler has begun, which goes on when the server knows. */
async function hangUp(url: string): Promise<void> {
  const { port, pathname } = new URL(url)
  const left = once(served?.server as Server, 'connection').then(([accepted]) => once(accepted, 'close'))
  const socket = connect(Number(port), '127.0.0.1')
  socket.write(`POST ${pathname} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`)
  await halfway.begun
  socket.destroy()
  await left
  halfway.goOn()
}

async function rowsOf(sink: MemorySink) {
  await expect.poll(() => sink.rows.length).toBeGreaterThan(0)
  // One row too many would be made when the answer is, or by the end of its connection, which has come.
  await nextTurn()
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
  async set(@Res() response: AnyResponse) {
    await halfway.wait()
    setStatus(response, 401)
    return { error: 'no' }
  }

  @AuditEvent('login')
  @HttpCode(403)
  @Post('/coded')
  async coded() {
    await halfway.wait()
    return { error: 'no' }
  }

  @AuditEvent('login')
  @Post('/thrown')
  async thrown() {
    await halfway.wait()
    throw Object.assign(new Error('no'), { httpCode: 401, reason: 'bad_credentials' })
  }
}

for (const driver of drivers) {
  describe(`on ${driver.name}`, () => {
    describe('a client that hangs up', () => {
      it.each([
        ['before the handler, in a guard', '/guarded', { outcome: 'success', status: 200 }],
        ['while a handler is on its way to a set 401', '/set', { outcome: 'failure', status: 401 }],
        ['while a handler is on its way to a declared 403', '/coded', { outcome: 'denied', status: 403 }],
        ['while a handler is on its way to a throw', '/thrown', { outcome: 'failure', reason: 'bad_credentials' }],
      ])('%s leaves one row, as it would have ended', async (_title, path, expected) => {
        const sink = memorySink()
        await hangUp(`${await start(driver, sink, Slow)}${path}`)
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
        const url = `${await start(driver, sink, Limited, { login: '1/min' })}/limited`
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
        const response = await post(
          `${await start(driver, sink, Throwing, { login: { failures: '9/min' } })}/throwing`,
          {},
        )
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
          async login(@Res() response: AnyResponse) {
            setStatus(response, 99)
            return { ok: true }
          }
        }
        const sink = memorySink()
        const response = await post(`${await start(driver, sink, Odd)}/odd`, {})
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
        const forceStatus = (_incoming: IncomingMessage, outgoing: ServerResponse): void => {
          const { writeHead } = outgoing
          outgoing.writeHead = function (this: ServerResponse) {
            outgoing.statusCode = 503
            return (writeHead as (...args: unknown[]) => ServerResponse).call(this, 503)
          } as never
        }
        const controllers = auditedControllers(createAuditTrail({ sink }), [Plain])
        served = await serve(driver.use(forceStatus, controllers))
        expect((await post(`${served.url}/plain`, {})).status).toBe(503)
        expect(sink.rows).toMatchObject([{ outcome: 'failure', status: 503 }])
      })
    })

    describe('the hold on a response', () => {
      it('also holds one that was pipelined behind another', async () => {
        const events: string[] = []
        const slow = slowSink(() => events.push('stored'))
        const write: AuditSink['write'] = (rows) => {
          halfway.goOn()
          return slow.write(rows)
        }
        @JsonController()
        class Pair {
          static readonly className = 'Pair'
          static readonly actor = actor
          @Post('/unaudited')
          async unaudited() {
            await halfway.wait()
            return { first: true }
          }
          @AuditEvent('login')
          @Post('/audited')
          async audited() {
            return { second: true }
          }
        }
        const { port } = new URL(await start(driver, { ...slow, write }, Pair))
        const socket = connect(Number(port), '127.0.0.1')
        socket.on('data', (chunk) => {
          if (chunk.toString().includes('second')) events.push('answered')
        })
        const request = (path: string) => `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`
        socket.write(request('/unaudited') + request('/audited'))
        await expect.poll(() => events).toEqual(['stored', 'answered'])
        socket.destroy()
      })
    })
  })
}

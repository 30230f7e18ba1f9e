import { auditedControllers } from '@countersign/adapters/routing-controllers'
import { createAuditTrail, memorySink } from '@countersign/core'
import express, { type Express, type RequestHandler } from 'express'
import Koa from 'koa'
import { useExpressServer, useKoaServer } from 'routing-controllers'
import { describe, expect, it } from 'vitest'
import { AnsweringController, BareController } from '../support/answering-controller.js'
import { all } from '../support/drivers.js'
import { serve } from '../support/serve.js'

const trail = createAuditTrail({ sink: memorySink() })
const options = (routePrefix = '') => all(auditedControllers(trail, [AnsweringController]), { routePrefix })
const into = (app: Express, routePrefix?: string): Express => useExpressServer(app, options(routePrefix))
const server = (): RequestHandler => into(express(), '/api')

type Requested = [method: string, path: string]

/** Of each request its status, who answered it and what is allowed. */
async function answersOf(app: Parameters<typeof serve>[0], ...requested: Requested[]): Promise<unknown[]> {
  const { url, close } = await serve(app)
  const answers = await Promise.all(
    requested.map(async ([method, path]) => {
      const answer = await fetch(url + path, { method })
      const type = answer.headers.get('content-type') ?? ''
      return [answer.status, type.includes('problem') ? 'us' : await answer.text(), answer.headers.get('allow')]
    }),
  )
  await close()
  return answers
}

const host: RequestHandler = (_request, response) => {
  response.type('text/plain').send('the host')
}
const hosts = [200, 'the host', null]
const notFound = [404, 'us', null]

describe('which methods a path takes, said by Express', () => {
  const mounted = (place: string | string[]) => express().use(place, server())
  it.each<[string, RequestHandler, string]>([
    ['below a prefix', server(), '/api/answers/large'],
    ['in an application that is mounted in another one', mounted('/own'), '/own/api/answers/large'],
    ['where the place of it is a pattern', mounted('/:tenant/auth'), '/acme/auth/api/answers/large'],
    ['where it has two places', mounted(['/a', '/longer']), '/longer/api/answers/large'],
    ['where it is deep', express().use('/a', mounted('/b')), '/a/b/api/answers/large'],
    ['behind a router', express.Router().use('/shelf', server()), '/shelf/api/answers/large'],
    ['below a prefix that is a pattern', into(express(), '/:tenant'), '/acme/answers/large'],
  ])('is known %s', async (_place, app, path) => {
    const answers = await answersOf(express().use(app), ['GET', path], ['OPTIONS', path])
    expect(answers).toEqual([
      [405, 'us', 'POST'],
      [204, '', 'POST'],
    ])
  })

  it('is not asked where one of its routes takes every method', async () => {
    const app = express()
    app
      .route('/events')
      .all((_request, _response, next) => next())
      .get(host)
    expect(await answersOf(into(app), ['GET', '/events'], ['POST', '/events'])).toEqual([hosts, notFound])
  })
})

describe('what the host serves besides, is answered by the host', () => {
  it('on Express, where it was registered after', async () => {
    const app = into(express())
    app.get('/answers/large', host)
    app.post('/later', host)
    const requested: Requested[] = [
      ['GET', '/answers/large'],
      ['DELETE', '/answers/large'],
      ['POST', '/later'],
      ['GET', '/later'],
    ]
    expect(await answersOf(app, ...requested)).toEqual([hosts, [405, 'us', 'POST'], hosts, notFound])
    app.use('/later', host)
    expect(await answersOf(app, ['GET', '/later'], ['GET', '/nowhere'])).toEqual([hosts, notFound])
  })

  it('on Express, where ours is mounted before it', async () => {
    const app = express().use(into(express())).get('/later', host)
    expect(await answersOf(app, ['GET', '/later'], ['GET', '/answers/large'])).toEqual([hosts, [405, 'us', 'POST']])
  })

  it('on Express, where it is another server of controllers', async () => {
    const app = useExpressServer(into(express()), all([BareController]))
    const answers = await answersOf(app, ['GET', '/bare'], ['DELETE', '/bare'], ['GET', '/nowhere'])
    expect(answers).toEqual([[200, expect.any(String), null], [405, 'us', 'GET, HEAD'], notFound])
  })

  it('on Express, without its handler of errors being taken for a route', async () => {
    const app = into(express())
    app.use(((_error, _request, response, _next) => response.end()) as express.ErrorRequestHandler)
    expect(await answersOf(app, ['GET', '/nowhere'])).toEqual([notFound])
  })

  it('on Koa', async () => {
    const app: Koa = useKoaServer(new Koa(), options())
    app.use((context) => {
      if (context.path !== '/nowhere' && context.method === 'GET') context.body = 'the host'
    })
    const requested: Requested[] = [
      ['GET', '/answers/large'],
      ['DELETE', '/answers/large'],
      ['GET', '/later'],
      ['GET', '/nowhere'],
    ]
    const answers = await answersOf(app.callback(), ...requested)
    expect(answers).toEqual([hosts, [405, 'us', 'POST'], hosts, notFound])
  })
})

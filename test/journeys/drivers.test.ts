import { auditedControllers } from '@countersign/adapters/routing-controllers'
import { createAuditTrail, memorySink } from '@countersign/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { AnsweringController, BareController, FormController } from '../support/answering-controller.js'
import { type Driver, drivers } from '../support/drivers.js'
import { nextTurn } from '../support/recording.js'
import type { Served } from '../support/serve.js'

const json = { 'content-type': 'application/json' }
const form = { 'content-type': 'application/x-www-form-urlencoded' }

/** What Express adds to an answer by itself, and what differs from one answer to the next. */
const ownHeaders = ['connection', 'date', 'etag', 'keep-alive', 'x-powered-by']

function started(driver: Driver) {
  const sink = memorySink()
  const trail = createAuditTrail({ sink, key: 'the same key for both of them, 32 bytes' })
  let served: Served
  beforeAll(async () => {
    served = await driver.serve(auditedControllers(trail, [AnsweringController, FormController, BareController]))
  })
  beforeEach(() => sink.clear())
  afterAll(() => served.close())
  return async (method: string, path: string, request: RequestInit = {}) => {
    const response = await fetch(`${served.url}${path}`, { method, ...request })
    const headers = Object.fromEntries(response.headers)
    for (const name of ownHeaders) delete headers[name]
    const text = await response.text().catch(() => 'broken off')
    // One row too many would be made in this turn.
    await nextTurn()
    await trail.settled()
    const rows = sink.rows.map(({ event, outcome, reason, status, route, httpMethod, actor, sessionId }) => {
      return { event, outcome, reason, status, route, httpMethod, actor: actor.id ?? null, sessionId }
    })
    const body = text.replace(/,"request_id":"[^"]*"/, rows.length > 0 ? ',"request_id":"of the row"' : 'none')
    return { status: response.status, headers, body, rows }
  }
}

describe('a client and an auditor can’t tell the drivers apart', () => {
  const [onExpress, onKoa] = drivers.map(started)
  it.each<[string, string, string, number, RequestInit?]>([
    ['a query', 'GET', '/answers/query?q=1', 200],
    ['the head of it', 'HEAD', '/answers/query?q=1', 200],
    ['null', 'GET', '/answers/null', 204],
    ['nothing, as it was declared', 'GET', '/answers/empty', 204],
    ['a number', 'GET', '/answers/number', 200],
    ['what JSON has no word for', 'GET', '/answers/unspeakable', 500],
    ['what has not changed', 'GET', '/answers/unchanged', 304],
    ['a route that is a pattern', 'GET', '/answers/patttern', 200],
    ['an answer that breaks off', 'GET', '/answers/half', 200],
    ['a parameter', 'POST', '/answers/param/7', 200],
    ['a parameter of the wrong type', 'POST', '/answers/param/x', 400],
    ['a field of the body', 'POST', '/answers/body-param', 200, { headers: json, body: '{"text":"x"}' }],
    ['a field of a malformed body', 'POST', '/answers/body-param', 400, { headers: json, body: '{"te' }],
    ['a body', 'POST', '/answers/note', 200, { headers: json, body: '{"text":"x"}' }],
    [
      'a body of two megabytes',
      'POST',
      '/answers/large',
      200,
      { headers: json, body: `{"text":"${'x'.repeat(2e6)}"}` },
    ],
    ['another method of its path', 'GET', '/answers/note', 200],
    ['a body that is a list', 'POST', '/answers/list', 200, { headers: json, body: '[1]' }],
    ['no body', 'POST', '/answers/note', 415],
    ['an empty body', 'POST', '/answers/note', 400, { headers: json, body: '' }],
    ['a form', 'POST', '/answers/note', 415, { headers: form, body: 'text=x' }],
    [
      'a lie about compression',
      'POST',
      '/answers/note',
      400,
      { headers: { ...json, 'content-encoding': 'gzip' }, body: '{}' },
    ],
    [
      'a compression that nobody knows',
      'POST',
      '/answers/note',
      415,
      { headers: { ...json, 'content-encoding': 'lzw' }, body: '{}' },
    ],
    ['who acts, and in which session', 'POST', '/answers/flow', 200, { headers: { 'x-user': 'bob' } }],
    ['who acts, found by the request', 'GET', '/answers/number', 200, { headers: { 'x-user': 'bob' } }],
    ['a controller without audit', 'GET', '/bare', 200],
    ['its body', 'POST', '/bare/note', 200, { headers: json, body: '{"text":"x"}' }],
    ['its malformed body', 'POST', '/bare/note', 400, { headers: json, body: '{"te' }],
    ['its body that fails validation', 'POST', '/bare/note', 400, { headers: json, body: '{"text":1}' }],
    ['a path that no route takes', 'GET', '/nowhere', 404],
    ['a path that nobody can read', 'GET', '/answers/%ZZ', 404],
    ['a method that the route does not take', 'GET', '/answers/large', 405],
  ])('by %s', async (_title, method, path, status, request) => {
    const answer = await onExpress?.(method, path, request)
    expect(answer?.status).toBe(status)
    const isAction = path.startsWith('/answers') && !path.includes('%') && status !== 405
    expect(answer?.rows).toHaveLength(isAction ? 1 : 0)
    expect(await onKoa?.(method, path, request)).toEqual(answer)
  })
})

describe('what differs is the driver’s own, and leaves its one right row', () => {
  const [onExpress, onKoa] = drivers.map(started)
  const malformed = { headers: json, body: '{"te' }
  it.each<[string, string, string, RequestInit, Array<[number, string | null]>]>([
    // Koa's handlers may read `ctx.request.body` without declaring it.
    [
      'a malformed body that nobody declared: Koa reads it',
      'POST',
      '/answers/bodiless',
      malformed,
      [
        [200, null],
        [400, 'malformed_body'],
      ],
    ],
    // Express runs the middlewares of the route before the body is read, Koa after.
    [
      'a malformed body behind a middleware that refuses',
      'POST',
      '/answers/refused',
      malformed,
      [
        [418, 'rejected'],
        [400, 'malformed_body'],
      ],
    ],
    // Express reads a text where no JSON is declared, Koa a form or JSON.
    [
      'malformed JSON for a controller of forms',
      'POST',
      '/forms/form',
      malformed,
      [
        [200, null],
        [400, 'malformed_body'],
      ],
    ],
  ])('%s', async (_title, method, path, request, expected) => {
    const answers = [await onExpress?.(method, path, request), await onKoa?.(method, path, request)]
    for (const [index, [status, reason]] of expected.entries()) {
      expect(answers[index]).toMatchObject({ status, rows: [{ status, reason }] })
    }
  })

  it('a form for a controller of forms', async () => {
    const request = { headers: form, body: 'text=x' }
    expect(await onExpress?.('POST', '/forms/form', request)).toMatchObject({ body: '{}', rows: [{ status: 200 }] })
    expect(await onKoa?.('POST', '/forms/form', request)).toMatchObject({
      body: '{"text":"x"}',
      rows: [{ status: 200 }],
    })
  })
})

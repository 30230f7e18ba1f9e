import 'reflect-metadata'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { flexibleLimiter } from '@countersign/adapters/rate-limiter-flexible'
import { auditedControllers } from '@countersign/adapters/routing-controllers'
import { type AuditRow, createAuditTrail, memorySink } from '@countersign/core'
import fc from 'fast-check'
import { getMetadataArgsStorage } from 'routing-controllers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drivers } from '../support/drivers.js'
import { requestsTo, rowsOf } from '../support/random-stack-requests.js'
import { auditedController, bareController, type StackSpec, stackSpecs } from '../support/random-stacks.js'

/** Stacks per driver; more with `STACKS`. */
const stacks = Math.max(500, Number(process.env.STACKS ?? 0))

const isAdmin = ({ request }: { request: IncomingMessage }) => request.headers.authorization === 'admin'
const options = { authorizationChecker: isAdmin as never }

/** What a client sees of an answer, without what differs from one request to the next. */
interface Seen {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: string
}

const ownHeaders = /^(?:date|connection|keep-alive|retry-after|ratelimit-.*)$/
// In problem documents, and there only where an attempt is known.
const requestId = /,"request_id":"[^"]+"/

async function ask(url: string, init: RequestInit): Promise<Seen> {
  const response = await fetch(url, init)
  const text = await response.text()
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json') === true
  const headers = [...response.headers].filter(
    ([name]) => !ownHeaders.test(name) && !(isProblem && name === 'content-length'),
  )
  return { status: response.status, headers: Object.fromEntries(headers), body: text.replace(requestId, '') }
}

/** Forgets what a stack declared: routing-controllers looks through all of it for every server. */
async function forgetting(run: () => Promise<void>): Promise<void> {
  const { controllers, actions, params, uses, useInterceptors, responseHandlers } = getMetadataArgsStorage()
  const declared: unknown[][] = [controllers, actions, params, uses, useInterceptors, responseHandlers]
  const lengths = declared.map(({ length }) => length)
  await run()
  for (const [index, entries] of declared.entries()) entries.length = lengths[index] as number
}

/** What a row says of the attempt, without what differs from one to the next. */
function essence(row: AuditRow) {
  const { event, attempted, outcome, reason, status, className, methodName, route, httpMethod } = row
  return { event, attempted: attempted?.masked, outcome, reason, status, className, methodName, route, httpMethod }
}

describe.each(drivers)('on $name, any stack of mixins and decorators', ({ create }) => {
  let server: Server
  let url: string
  let app: RequestListener = (_request, response) => response.end()

  beforeAll(async () => {
    server = createServer((request, response) => app(request, response))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  async function check(spec: StackSpec): Promise<void> {
    const sink = memorySink()
    const limiter = flexibleLimiter({ scopes: { wide: '1000/h', tight: '3/h' } })
    const trail = createAuditTrail({ sink, limiter })
    const bare = create([bareController(spec, '/stack')], options)
    const audited = create(auditedControllers(trail, [auditedController(spec, '/stack')]), options)
    const isTight = spec.layers.some(({ kind }) => kind === 'throttle decorator')
    let counted = 0
    for (const { name, path, init, reached, outcome, reason } of requestsTo(spec, `${url}/stack`)) {
      app = bare
      const plain = await ask(path, init)
      app = audited
      sink.clear()
      const seen = await ask(path, init)
      const rows = sink.rows.map(essence).sort((a, b) => (a.event < b.event ? -1 : 1))
      if (outcome === null) {
        expect({ name, seen, rows }).toEqual({ name, seen: plain, rows: [] })
        continue
      }
      const denied = isTight && ++counted > 3
      const declared = rowsOf(spec, reached && !denied)
      const left = denied && declared.length === 0 ? [{ event: 'rate_limit', attempted: false }] : declared
      const ending = denied
        ? { outcome: 'denied', reason: 'throttled', status: 429 }
        : { outcome, reason, status: plain.status }
      const where = {
        className: 'Leaf',
        methodName: spec.method,
        route: '/stack/:id',
        httpMethod: spec.verb.toUpperCase(),
      }
      expect({ name, rows }).toEqual({
        name,
        rows: left.map(({ event, attempted }) => ({
          event,
          attempted: attempted ? 'a***@e***.org' : undefined,
          ...ending,
          ...where,
        })),
      })
      if (!denied) expect({ name, seen }).toEqual({ name, seen: plain })
    }
  }

  it(`leaves the rows of its declared set, and the answers of the bare controller, in ${stacks} stacks`, async () => {
    await fc.assert(
      fc.asyncProperty(stackSpecs, (spec) => forgetting(() => check(spec))),
      { numRuns: stacks },
    )
  }, 240_000)
})

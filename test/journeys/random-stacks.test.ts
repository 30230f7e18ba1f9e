import 'reflect-metadata'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { flexibleLimiter } from '@countersign/adapters/rate-limiter-flexible'
import { auditedControllers } from '@countersign/adapters/routing-controllers'
import { createAuditTrail, memorySink } from '@countersign/core'
import fc from 'fast-check'
import { getMetadataArgsStorage } from 'routing-controllers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drivers } from '../support/drivers.js'
import {
  auditedController,
  bareController,
  eventsOf,
  requestsTo,
  type StackSpec,
  stackSpecs,
} from '../support/random-stacks.js'

/** Stacks per driver in the ordinary run; more with `STACKS`. */
const stacks = Number(process.env.STACKS ?? 500)

const isAdmin = ({ request }: { request: IncomingMessage }) => request.headers.authorization === 'admin'
const options = { authorizationChecker: isAdmin as never }

/** What a client sees of an answer, without what differs from one request to the next. */
interface Seen {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: string
}

const ownHeaders = /^(?:date|connection|keep-alive|content-length|etag|retry-after|ratelimit-.*)$/

async function ask(url: string, init: RequestInit): Promise<Seen> {
  const response = await fetch(url, init)
  const headers = [...response.headers].filter(([name]) => !ownHeaders.test(name))
  const body = (await response.text()).replace(/,"request_id":"[^"]+"/, '')
  return { status: response.status, headers: Object.fromEntries(headers), body }
}

/** Forgets what a stack declared: routing-controllers looks through all of it for every server. */
async function forgetting(run: () => Promise<void>): Promise<void> {
  const { controllers, actions, params, uses, useInterceptors, responseHandlers } = getMetadataArgsStorage()
  const declared: unknown[][] = [controllers, actions, params, uses, useInterceptors, responseHandlers]
  const lengths = declared.map(({ length }) => length)
  await run()
  for (const [index, entries] of declared.entries()) entries.length = lengths[index] as number
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
    for (const { name, path, init, reached, outcome } of requestsTo(spec, `${url}/stack`)) {
      app = bare
      const plain = await ask(path, init)
      app = audited
      sink.clear()
      const seen = await ask(path, init)
      const rows = sink.rows.map((row) => ({ event: row.event, outcome: row.outcome, status: row.status }))
      if (outcome === null) {
        expect({ name, seen, rows }).toEqual({ name, seen: plain, rows: [] })
        continue
      }
      const denied = isTight && ++counted > 3
      const events = eventsOf(spec, reached && !denied)
      const expected = denied && events.length === 0 ? ['rate_limit'] : events
      const status = denied ? 429 : plain.status
      expect({ name, rows: rows.sort((a, b) => (a.event < b.event ? -1 : 1)) }).toEqual({
        name,
        rows: expected.map((event) => ({ event, outcome: denied ? 'denied' : outcome, status })),
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

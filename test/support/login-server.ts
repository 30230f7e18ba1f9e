import type { Server } from 'node:http'
import { flexibleLimiter } from '@countersign/adapters/rate-limiter-flexible'
import { auditedControllers } from '@countersign/adapters/routing-controllers'
import { type AuditTrail, createAuditTrail, type MemorySink, memorySink } from '@countersign/core'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import type { Driver } from './drivers.js'
import { LoginController } from './login-controller.js'
import { post, type Served } from './serve.js'

export const right = { email: 'ada@example.org', password: 'hunter2' }

/** What a client got. */
export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** A server of the login controller for the tests of one suite, whose rows each test begins without. */
export interface LoginServer {
  readonly sink: MemorySink
  readonly trail: AuditTrail
  server(): Server
  url(): string
  attempt(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answered>
}

export function loginServer(driver: Driver): LoginServer {
  const sink = memorySink()
  const limiter = flexibleLimiter({ scopes: { login: { address: '8/min', failures: '5/5min' } } })
  const trail = createAuditTrail({ sink, limiter })
  let served: Served
  beforeAll(async () => {
    const controllers = auditedControllers(trail, [LoginController])
    served = await driver.serve(controllers, { authorizationChecker: () => false })
  })
  afterAll(() => served.close())
  beforeEach(() => sink.clear())
  return {
    sink,
    trail,
    server: () => served.server,
    url: () => served.url,
    async attempt(path, body = right, headers) {
      const response = await post(`${served.url}/login${path}`, body, headers)
      return { status: response.status, headers: response.headers, text: await response.text() }
    },
  }
}

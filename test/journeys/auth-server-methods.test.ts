import { STATUS_CODES } from 'node:http'
import { auditCoverage } from '@countersign/adapters/routing-controllers'
import { authControllers } from '@countersign/auth'
import { describe, expect, it } from 'vitest'
import { ownSystem, quickest, rowsOf, unlimited } from '../support/auth-systems.js'
import { type RawAnswer, send } from '../support/raw-request.js'

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND']
const page = 'https://app.example.org'

/** The paths of the pages, which are no controllers' and are read only. */
const pages = ['verify-account', 'change-email-confirm', 'change-email-undo'].map((name) => `/api/auth/${name}`)

/** What each path takes, as the controllers declare it. */
function declaredMethods(): Map<string, Set<string>> {
  const taken = new Map<string, Set<string>>()
  const add = (path: string, method: string) => taken.set(path, (taken.get(path) ?? new Set()).add(method))
  for (const { path, httpMethod } of auditCoverage(authControllers as never).routes) add(path, httpMethod)
  for (const path of [...pages, '/', '/healthz', '/readyz', '/metrics']) add(path, 'GET')
  for (const found of taken.values()) if (found.has('GET')) found.add('HEAD')
  return taken
}

// INP-15, SES-16
describe('a method that a route does not take', () => {
  const system = ownSystem(quickest, { limits: unlimited, allowedOrigins: [page] })
  const routes = [...declaredMethods()].map(([path, taken]) => [path, [...taken].sort().join(', ')] as const)

  it.each(routes)('%s takes %s: all others are 405, and are no operation', async (path, allow) => {
    const url = system().url + path.replace(/:\w+/g, '01900000-0000-7000-8000-000000000000')
    const overrides = { 'x-http-method-override': allow.split(', ').at(-1) ?? '' }
    const rows = await rowsOf(system(), async () => {
      for (const method of methods.filter((other) => !allow.split(', ').includes(other))) {
        const answer = await send(`${url}?_method=POST`, method, overrides)
        expect([method, answer.headers.allow]).toEqual([method, allow])
        if (method === 'OPTIONS') expect([answer.status, answer.text]).toEqual([204, ''])
        else expectProblem(method, answer, { status: 405, code: 'method_not_allowed' })
      }
    })
    expect(rows).toEqual([])
  })

  it.each(['/api/auth/nowhere', '/api/auth/login/x', '/nowhere', '/metrics/x', '/api/auth/sessions/a/b'])(
    '%s has no route, and is 404 for every method',
    async (path) => {
      for (const method of methods) {
        const answer = await send(system().url + path, method)
        expect([method, answer.headers.allow]).toEqual([method, undefined])
        expectProblem(method, answer, { status: 404, code: 'not_found' })
      }
    },
  )

  it('is 404 where a path is hidden from whoever asks', async () => {
    const proxied = { 'x-forwarded-for': '203.0.113.7' }
    for (const method of methods)
      expect([method, (await send(`${system().url}/metrics`, method, proxied)).status]).toEqual([method, 404])
  })

  it('is counted by another spelling of the path as well', async () => {
    for (const path of ['/api/auth/login/', '/API/auth/LOGIN', '/api/auth/login?x=1'])
      expect(await send(system().url + path, 'GET')).toMatchObject({ status: 405, headers: { allow: 'POST' } })
  })

  it('is told to a preflight by CORS, as before', async () => {
    const preflight = { origin: page, 'access-control-request-method': 'POST' }
    const answer = await send(`${system().url}/api/auth/login`, 'OPTIONS', preflight)
    expect(answer.status).toBe(204)
    expect(answer.headers['access-control-allow-origin']).toBe(page)
    expect(answer.headers['access-control-allow-methods']).toContain('POST')
  })
})

function expectProblem(
  method: string,
  { status, headers, text }: RawAnswer,
  expected: { status: number; code: string },
) {
  expect([method, status]).toEqual([method, expected.status])
  expect(headers['content-type']).toMatch(/^application\/problem\+json/)
  if (method === 'HEAD') expect(text).toBe('')
  else expect(JSON.parse(text)).toEqual({ type: 'about:blank', title: STATUS_CODES[expected.status], ...expected })
}

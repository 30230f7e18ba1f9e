import { overriding, type ServiceReplacements } from '@countersign/auth'
import { describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { ownSystem, quickest, unlimited } from '../support/auth-systems.js'
import { password } from '../support/password-journeys.js'

const json = { 'content-type': 'application/json' }
const login = (body: unknown): RequestInit => ({ method: 'POST', headers: json, body: JSON.stringify(body) })

const failing: ServiceReplacements['sessionList'] = (ours) =>
  overriding(ours, { page: () => Promise.reject(new Error('select secret from a table')) })

/** An answer of every kind: by whom it is made is not for its headers to tell. */
const answers: Array<[string, number, string, RequestInit?]> = [
  ['a page', 200, '/'],
  ['the page of a link', 200, '/api/auth/verify-account?token=x'],
  ['the page of a reset', 200, '/reset-password?token=x'],
  ['a script', 200, '/assets/index.js'],
  ['a style', 200, '/assets/style.css'],
  ['a probe', 200, '/healthz'],
  ['a probe of what it stands on', 200, '/readyz'],
  ['figures', 200, '/metrics'],
  ['keys', 200, '/.well-known/jwks.json'],
  ['a login', 200, '/api/auth/login', login({ email: 'ada@example.org', password })],
  ['tokens in a body', 200, '/api/auth/token', login({ email: 'ada@example.org', password })],
  ['a sign-up', 202, '/api/auth/signup', login({ email: 'new@example.org', password, confirm_password: password })],
  ['a refused login', 401, '/api/auth/login', login({ email: 'ada@example.org', password: 'wrong' })],
  ['a field that is none', 400, '/api/auth/login', login({ email: 7 })],
  ['a body that is none', 400, '/api/auth/login', { ...login({}), body: '{"email' }],
  ['another media type', 415, '/api/auth/login', { method: 'POST', body: 'email=ada' }],
  ['a body that is too large', 413, '/api/auth/login', login({ email: 'x'.repeat(1_000_000), password })],
  ['who is not logged in', 401, '/api/auth/login-history'],
  ['no such path', 404, '/nowhere'],
  ['no such path of the API', 404, '/api/auth/nowhere'],
  ['no such file', 404, '/assets/nothing.js'],
  ['no such method', 405, '/api/auth/login'],
  ['the methods', 204, '/api/auth/login', { method: 'OPTIONS' }],
  ['the head of a page', 200, '/', { method: 'HEAD' }],
  ['a path that nobody can read', 400, '/api/auth/sessions/%ZZ', { method: 'DELETE' }],
  ['a file that nobody can read', 404, '/assets/%ZZ'],
]

const systems = [
  ['in development', {}],
  ['in production', { production: true, publicUrl: 'https://auth.example.org' }],
] as const

// SES-17
describe.each(systems)('what every answer says to browsers and caches, %s', (where, given) => {
  const system = ownSystem(quickest, {
    ...given,
    limits: { ...unlimited, token_verify: '1/min' },
    services: { sessionList: failing },
  })

  const expectHeaders = ({ status, headers }: { status: number; headers: Headers }, path: string): void => {
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    const policy = headers.get('content-security-policy')?.split(';') ?? []
    expect(policy).toEqual(expect.arrayContaining(["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"]))
    expect(policy.join()).not.toMatch(/unsafe|\*|https?:/)
    expect([headers.get('x-powered-by'), headers.get('server')]).toEqual([null, null])
    const isPage = headers.get('content-type')?.startsWith('text/html') ?? false
    if (isPage) expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
    if (isPage || path.startsWith('/api/') || status >= 400) expect(headers.get('cache-control')).toBe('no-store')
    const [, seconds] = /^max-age=(\d+)/.exec(headers.get('strict-transport-security') ?? '') ?? []
    if (where === 'in production') expect(Number(seconds)).toBeGreaterThanOrEqual(31_536_000)
    else expect(seconds).toBeUndefined()
  }

  it.each(answers)('with %s (%i)', async (_what, status, path, init) => {
    await system().auth.services.accounts.ensureAdmin('ada@example.org', password)
    const answer = await fetch(system().url + path, { redirect: 'manual', ...init })
    expect(answer.status).toBe(status)
    expectHeaders(answer, path)
  })

  it('with what is only for who is logged in, a foreign page, a fault and a limit', async () => {
    const client = new AuthClient(system().url)
    const { access } = (await client.post('/api/auth/token', { email: 'ada@example.org', password })).json
    const own: Array<[string, number]> = [
      ['profile', 200],
      ['login-history', 200],
      ['csrf', 200],
      ['admin/users', 200],
      ['2fa/backup-codes', 400],
      ['sessions', 500],
    ]
    for (const [path, status] of own) {
      const answer = await client.get(`/api/auth/${path}`, { authorization: `Bearer ${access}` })
      expect([path, answer.status]).toEqual([path, status])
      expectHeaders(answer, `/api/auth/${path}`)
      expect(answer.text).not.toContain('select')
    }
    await client.post('/api/auth/login', { email: 'ada@example.org', password })
    const foreign = await client.post('/api/auth/refresh', {}, { origin: 'https://evil.example' })
    expect(foreign.status).toBe(403)
    expectHeaders(foreign, '/api/auth/refresh')
    const verify = () => client.post('/api/auth/token/verify', { token: access })
    const answers = [await verify(), await verify()]
    expect(answers.map(({ status }) => status)).toEqual([200, 429])
    for (const answer of answers) expectHeaders(answer, '/api/auth/token/verify')
  })
})

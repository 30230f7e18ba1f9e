import { beforeAll, describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { places, unlimited } from '../support/auth-systems.js'
import { password } from '../support/password-journeys.js'
import { bearer, claimsOf, sessionJourneys } from '../support/session-journeys.js'

const email = 'ada@example.org'
const frontend = 'https://app.example.org'

for (const { name, here, make } of places) {
  describe.runIf(here)(`the cookies of a session on ${name}`, () => {
    const on = sessionJourneys(make, { limits: unlimited, allowedOrigins: [frontend] })
    beforeAll(async () => {
      await on.account(email)
      await on.account('bob@example.org')
    })
    const sessionsOf = (client: AuthClient, headers: Record<string, string> = {}) =>
      client.get('/api/auth/sessions', headers)
    const isKnown = async (cookie: string) => (await on.client().get('/api/auth/sessions', { cookie })).status === 200

    // SES-04
    it('are all that a browser gets of its tokens', async () => {
      const client = on.client()
      const answer = await client.post('/api/auth/login', { email, password })
      expect([...client.cookies.keys()].filter((cookie) => cookie !== 'device').sort()).toEqual(['at', 'rt'])
      for (const token of client.cookies.values()) expect(answer.text).not.toContain(token)
      const refreshed = await client.post('/api/auth/refresh')
      for (const token of client.cookies.values()) expect(refreshed.text).not.toContain(token)
    })

    // SES-03
    it('fit into what browsers keep', async () => {
      const longest = `${'a'.repeat(64)}@${`${'b'.repeat(60)}.`.repeat(2)}example.org`
      await on.account(longest)
      for (const [cookie, value] of (await on.session(longest)).cookies)
        expect(cookie.length + value.length).toBeLessThan(1000)
    })

    it('last as long as the browser runs, and with "remember me" for a week', async () => {
      const ages = async (remember_me: boolean) => {
        const answer = await on.client().post('/api/auth/login', { email, password, remember_me })
        const ofSession = answer.headers.getSetCookie().filter((cookie) => /^[ar]t=/.test(cookie))
        return ofSession.map((cookie) => /Max-Age=(\d+)/.exec(cookie)?.[1])
      }
      expect(await ages(false)).toEqual([undefined, undefined])
      expect(await ages(true)).toEqual(['600', String(7 * 86_400)])
    })

    // SES-05
    it('are others after a login, and those from before it are worth nothing', async () => {
      const client = await on.session('bob@example.org')
      const before = new Map(client.cookies)
      await client.post('/api/auth/login', { email, password })
      for (const cookie of ['at', 'rt']) expect(client.cookies.get(cookie)).not.toBe(before.get(cookie))
      expect(await isKnown(`at=${before.get('at')}`)).toBe(false)
      expect((await on.refresh(before.get('rt') as string)).status).toBe(401)
      expect((await sessionsOf(client)).status).toBe(200)
    })

    // SES-28
    it('count for nothing when there are two of a name, or when the name is another one', async () => {
      const mine = (await on.session(email)).cookies.get('at')
      const foreign = (await on.session('bob@example.org')).cookies.get('at')
      expect(await isKnown(`at=${mine}`)).toBe(true)
      for (const cookie of [
        `at=${foreign}; at=${mine}`,
        `at=${mine}; at=${foreign}`,
        `AT=${mine}`,
        `__host-at=${mine}`,
        'at',
      ])
        expect(await isKnown(cookie), cookie.slice(0, 9)).toBe(false)
      expect(await isKnown(`%E0%A4%A=1; x; =; at=${mine}; y="`)).toBe(true)
    })

    // SES-09, SES-13
    it('need the token of the session where nothing says that our own page asks', async () => {
      const [client, other] = [await on.session(email), await on.session(email)]
      const tokenOf = async (of: AuthClient) => (await of.get('/api/auth/csrf')).json.csrf_token as string
      const revoke = (token?: string) =>
        on.client().request('/api/auth/sessions', {
          method: 'DELETE',
          headers: {
            cookie: `at=${client.cookies.get('at')}`,
            ...(token === undefined ? {} : { 'x-csrf-token': token }),
          },
        })
      const rows = await on.rowsOf(async () => {
        for (const token of [undefined, '', 'x', await tokenOf(other), `${await tokenOf(client)}x`]) {
          const answer = await revoke(token)
          expect([answer.status, answer.json.code]).toEqual([403, 'csrf'])
        }
      })
      expect(rows.map(({ outcome, reason }) => [outcome, reason])).toEqual(rows.map(() => ['denied', 'csrf']))
      expect((await sessionsOf(other)).status).toBe(200)
      expect((await revoke(await tokenOf(client))).status).toBe(200)
      expect((await sessionsOf(other)).status).toBe(401)
    })

    it('are renewed with the token of their session where nothing says that our own page asks', async () => {
      const client = await on.session(email)
      const { csrf_token } = (await client.get('/api/auth/csrf')).json
      const silent = on.silent(client)
      expect((await on.client().post('/api/auth/refresh', {}, silent)).status).toBe(403)
      expect((await on.client().post('/api/auth/refresh', {}, { ...silent, 'x-csrf-token': csrf_token })).status).toBe(
        200,
      )
    })

    it.each([
      ['a page of ours', 200, { 'sec-fetch-site': 'same-origin' }],
      ['a frontend that is allowed', 200, { origin: frontend, 'sec-fetch-site': 'cross-site' }],
      ['another host of our site', 403, { 'sec-fetch-site': 'same-site' }],
      ['a frontend that is spelt like ours', 403, { origin: `${frontend}.evil.example` }],
      ['a frontend without HTTPS', 403, { origin: 'http://app.example.org' }],
      ['a page without an origin', 403, { origin: 'null' }],
    ])('come from %s: %i', async (_title, status, headers) => {
      const client = await on.session(email)
      expect((await client.post('/api/auth/refresh', {}, headers)).status).toBe(status)
    })

    // SES-14
    it('are not looked at beside a bearer token, which needs no proof of where it comes from', async () => {
      const client = await on.session(email)
      const bob = await on.tokens('bob@example.org')
      const both = { ...bearer(bob.access), origin: 'https://evil.example' }
      const answer = await sessionsOf(client, both)
      expect(answer.json.items.map(({ id }: { id: string }) => id)).toContain(claimsOf(bob.access).sid)
      expect(answer.headers.get('access-control-allow-origin')).toBe(null)
      expect((await sessionsOf(client, { authorization: 'Bearer x' })).status).toBe(401)
      expect((await client.post('/api/auth/logout', {}, both)).status).toBe(204)
      expect([await on.status(bob.access), (await sessionsOf(client)).status]).toEqual([401, 200])
    })

    // CORS: closed but for the origins of the setting.
    it('may be used by the pages of the origins that are allowed, and of no others', async () => {
      const preflight = (origin: string) =>
        on.client().request('/api/auth/sessions/x', {
          method: 'OPTIONS',
          headers: {
            origin,
            'access-control-request-method': 'DELETE',
            'access-control-request-headers': 'x-csrf-token',
          },
        })
      const allowed = await preflight(frontend)
      expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([204, frontend])
      expect(allowed.headers.get('access-control-allow-methods')).toContain('DELETE')
      expect(allowed.headers.get('access-control-allow-credentials')).toBe('true')
      const answer = await sessionsOf(await on.session(email), { origin: frontend })
      expect([answer.headers.get('access-control-allow-origin'), answer.headers.get('vary')]).toEqual([
        frontend,
        'Origin',
      ])
      for (const origin of ['https://evil.example', 'null', '*', `${frontend}.evil.example`]) {
        const refused = await preflight(origin)
        expect([...refused.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
      }
    })

    // SES-16
    it.each([
      '/logout',
      '/refresh',
      '/token',
      '/token/refresh',
      '/token/verify',
      '/sessions/01900000-0000-7000-8000-000000000000',
    ])('change nothing by GET %s, or by a method that a header or field names', async (path) => {
      const client = await on.session(email)
      const overrides = { 'x-http-method-override': path.startsWith('/sessions') ? 'DELETE' : 'POST' }
      for (const answer of [
        await client.get(`/api/auth${path}`, overrides),
        await client.get(`/api/auth${path}?_method=POST`),
      ])
        expect(answer.status).toBe(405)
      expect((await sessionsOf(client)).status).toBe(200)
    })

    // SES-29
    it('are never kept by a cache', async () => {
      const client = await on.session(email)
      for (const answer of [
        await client.post('/api/auth/refresh'),
        await sessionsOf(client),
        await client.post('/api/auth/logout'),
      ])
        expect(answer.headers.get('cache-control')).toBe('no-store')
    })
  })

  describe.runIf(here)(`the cookies of a session in production, on ${name}`, () => {
    const publicUrl = 'https://auth.example.org'
    const on = sessionJourneys(make, { limits: unlimited, production: true, publicUrl })
    beforeAll(() => on.system.auth.services.accounts.ensureAdmin('root@example.org', password))

    // SES-01, SES-18
    it('are bound to this host and to HTTPS, and are taken away as they were set', async () => {
      const client = on.client()
      const login = await client.post('/api/auth/login', { email: 'root@example.org', password })
      const ofSession = (cookies: string[]) => cookies.filter((cookie) => /^__Host-[ar]t=/.test(cookie))
      const set = ofSession(login.headers.getSetCookie())
      expect(login.headers.getSetCookie().filter((cookie) => !cookie.startsWith('__Host-'))).toEqual([])
      const attributes = (cookie: string) =>
        cookie
          .split('; ')
          .slice(1)
          .filter((part) => !/^(?:Expires|Max-Age)=/.test(part))
      expect(set.map(attributes)).toEqual([
        ['Path=/', 'HttpOnly', 'Secure', 'SameSite=Lax'],
        ['Path=/', 'HttpOnly', 'Secure', 'SameSite=Strict'],
      ])
      const access = client.cookies.get('__Host-at') as string
      const logout = await client.post('/api/auth/logout', {}, { origin: publicUrl })
      const cleared = ofSession(logout.headers.getSetCookie())
      expect(cleared.map(attributes)).toEqual(set.map(attributes))
      for (const cookie of cleared) expect(cookie).toMatch(/^__Host-[ar]t=; .*Expires=Thu, 01 Jan 1970/)
      expect(await on.status(access)).toBe(401)
    })

    it('come from no other origin than the server’s, whatever the Host says', async () => {
      const client = on.client()
      await client.post('/api/auth/login', { email: 'root@example.org', password })
      expect((await client.post('/api/auth/refresh', {}, { origin: on.system.url })).status).toBe(403)
      expect((await client.post('/api/auth/refresh', {}, { origin: publicUrl })).status).toBe(200)
    })
  })
}

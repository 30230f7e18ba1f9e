import { gzipSync } from 'node:zlib'
import { auditCoverage } from '@countersign/adapters/routing-controllers'
import { authControllers } from '@countersign/auth'
import { beforeAll, describe, expect, it } from 'vitest'
import type { AuthClient } from '../support/auth-client.js'
import { places, unlimited } from '../support/auth-systems.js'
import { password, passwordJourneys } from '../support/password-journeys.js'
import { type RawAnswer, send } from '../support/raw-request.js'
import { submittedBodies } from '../support/submitted-bodies.js'

const json = { 'content-type': 'application/json' }
const leaks = /node_modules|\n\s+at |SyntaxError|select |insert /
const lockouts = { account: null, address: null }

for (const { name, here, make } of places) {
  describe.runIf(here)(`hostile bodies on ${name}`, () => {
    const on = passwordJourneys(make, { limits: unlimited, lockouts })
    let client: AuthClient
    beforeAll(async () => {
      await on.account('ada@example.org')
      client = await on.session('ada@example.org')
    })
    const post = (path: string, body: unknown) => client.post(`/api/auth/${path}`, body)
    const raw = (body: string | Buffer, headers: Record<string, string> = json): Promise<RawAnswer> =>
      send(`${on.system.url}/api/auth/login`, 'POST', headers, body)

    // INP-06, INP-12, PWD-15, RST-12
    it.each(submittedBodies)(
      '%s takes no object, list, number, NUL or half character where a text belongs',
      async (path, body) => {
        const texts = Object.entries(body).filter(([, value]) => typeof value === 'string')
        expect(texts.length).toBeGreaterThan(0)
        const hostile: unknown[] = [
          { sql: '1', params: [] },
          { $ne: '' },
          { $raw: 'now()' },
          { toString: 'x', toJSON: 'x', length: 99 },
          { __proto__: { x: 1 } },
          ['x'],
          7,
          true,
          null,
          'a\u0000b',
          'a\ud800b',
        ]
        for (const [field] of texts)
          for (const value of hostile) {
            const answer = await post(path, { ...body, [field]: value })
            expect([field, value, answer.status]).toEqual([field, value, 400])
            expect(answer.text).not.toMatch(leaks)
          }
      },
    )

    // INP-01
    it.each(submittedBodies)('%s takes no field that is the server’s', async (path, body) => {
      for (const field of ['is_admin', 'isAdmin', 'role', 'id', 'email_verified', 'token_version', 'user_id']) {
        const answer = await post(path, { ...body, [field]: 1 })
        expect([field, answer.status, answer.json.code]).toEqual([field, 400, 'validation_failed'])
      }
      const answer = await client.request(`/api/auth/${path}`, {
        method: 'POST',
        headers: json,
        body: `${JSON.stringify(body).slice(0, -1)},"__proto__":{"is_admin":true}}`,
      })
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(({} as { is_admin?: boolean }).is_admin).toBeUndefined()
    })

    // INP-03, INP-04
    it.each([
      ['an array', '[]'],
      ['an array of bodies', '[{"email":"a@example.org","password":"x"}]'],
      ['a text', '"text"'],
      ['a number', '7'],
      ['null', 'null'],
      ['nothing', ''],
      ['no JSON', '{"email":'],
      ['NaN', '{"email":NaN}'],
      ['more than one', '{"email":"a","password":"b"}{}'],
      ['one nested ten thousand deep', `${'['.repeat(10_000)}${']'.repeat(10_000)}`],
      ['a deep one in a field', `{"email":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)},"password":"x"}`],
      ['ten thousand fields', `{${Array.from({ length: 5000 }, (_, index) => `"f${index}":1`).join()}}`],
      ['a byte order mark of UTF-16', Buffer.from('\ufeff{"email":"a","password":"b"}', 'utf16le')],
      ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
    ])('a body that is %s is refused at once, as a problem that shows nothing', async (_what, body) => {
      const begun = performance.now()
      const answer = await raw(body)
      expect(performance.now() - begun).toBeLessThan(5000)
      expect(answer.status).toBe(400)
      expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
      expect(answer.text).not.toMatch(leaks)
    })

    it('of a key that comes twice the last one counts, for everything', async () => {
      const twice = (first: string, last: string) =>
        raw(`{"email":"${first}","password":"${password}","email":"${last}","password":"${password}"}`)
      expect((await twice('nobody@example.org', 'ada@example.org')).status).toBe(200)
      expect((await twice('ada@example.org', 'nobody@example.org')).status).toBe(401)
    })

    // INP-05, PWD-14
    it('a body that is too large is refused before it is read, whatever it says of its length', async () => {
      const large = JSON.stringify({ email: 'a@example.org', password: 'x'.repeat(1_000_000) })
      const answers = [
        await raw(large),
        await raw(large, { ...json, 'transfer-encoding': 'chunked' }),
        await raw(gzipSync(Buffer.alloc(50_000_000, 0x20)), { ...json, 'content-encoding': 'gzip' }),
      ]
      for (const { status, text } of answers) {
        expect([413, 415]).toContain(status)
        expect(text).not.toMatch(leaks)
      }
    })

    // INP-16, INP-10
    it.each([
      ['a form', 'application/x-www-form-urlencoded', 'email=a&email=b&password=x'],
      ['text', 'text/plain', '{"email":"a","password":"x"}'],
      ['JSON of somebody', 'application/vnd.api+json', '{"email":"a","password":"x"}'],
      ['JSON in another alphabet', 'application/json; charset=utf-7', '{"email":"a","password":"x"}'],
      ['XML', 'application/xml', '<x/>'],
    ])('%s is no body here', async (_what, type, body) => {
      expect((await raw(body, { 'content-type': type })).status).toBe(415)
    })

    it('what the query says is never taken for a body', async () => {
      const url = `${on.system.url}/api/auth/login?email=ada@example.org&password=${encodeURIComponent(password)}`
      expect((await send(url, 'POST', json, '{}')).status).toBe(400)
    })

    // INP-18
    it.each([
      ['"><script>', false],
      ['x'.repeat(10_000), false],
      ['{"a":1}', false],
      ['request-7.a_b', true],
    ])('the request id %s is taken over only if it is one: %s', async (id, taken) => {
      const rows = await on.rowsOf(() =>
        post('login', { email: 'x@example.org', password: 'y' }).then(() => raw('{}', { ...json, 'x-request-id': id })),
      )
      expect(rows.at(-1)?.requestId === id).toBe(taken)
    })
  })
}

it('the bodies that are tried are those of every route of the accounts that takes one', () => {
  const { routes } = auditCoverage(authControllers as never)
  const taking = routes
    .filter(({ httpMethod, path }) => httpMethod === 'POST' && /^\/api\/auth\/(?!admin)/.test(path))
    .map(({ path }) => path.replace(/^\/api\/auth\/|\/$/g, ''))
    .filter((path) => !['logout', 'refresh'].includes(path))
  expect(submittedBodies.map(([path]) => path).sort()).toEqual(taking.sort())
})

import { createPublicKey } from 'node:crypto'
import { request } from 'node:http'
import { createVerifier } from 'fast-jwt'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { places, unlimited } from '../support/auth-systems.js'
import { partsOf } from '../support/forged-tokens.js'
import { claimsOf, sessionJourneys } from '../support/session-journeys.js'

const email = 'ada@example.org'

for (const { name, here, make } of places) {
  describe.runIf(here)(`access tokens on ${name}`, () => {
    const on = sessionJourneys(make)
    let access: string
    beforeAll(async () => {
      await on.account(email)
      ;({ access } = await on.tokens(email))
    })
    const keys = () => on.system.auth.services.signingKeys
    const kids = async () =>
      (await on.client().get('/api/auth/jwks.json')).json.keys.map(({ kid }: { kid: string }) => kid)

    // JWT-14
    it('say who, where from and until when, and nothing personal', () => {
      const { header, claims } = partsOf(access)
      expect(Object.keys(header).sort()).toEqual(['alg', 'kid', 'typ'])
      expect(header).toMatchObject({ alg: 'EdDSA', typ: 'at+jwt' })
      expect(Object.keys(claims).sort()).toEqual(
        ['amr', 'aud', 'auth_time', 'exp', 'iat', 'iss', 'jti', 'sid', 'sub', 'tv'].sort(),
      )
      expect(claims).toMatchObject({ iss: 'http://127.0.0.1:3000', aud: 'countersign-api', amr: ['pwd'], tv: 0 })
      expect(Number(claims.exp) - Number(claims.iat)).toBe(600)
      expect(JSON.stringify(claims)).not.toContain('ada')
    })

    // JWT-11
    it.each([
      ['the account is disabled', 'update auth_user set disabled_at = now() where id = ?', 'sub'],
      ['the account has another version', 'update auth_user set token_version = token_version + 1 where id = ?', 'sub'],
      ['the session has ended', 'update auth_session set ended_at = now() where id = ?', 'sid'],
      ['the session is over', 'update auth_session set expires_at = now() where id = ?', 'sid'],
      ['nobody used the session', 'update auth_session set idle_until = now() where id = ?', 'sid'],
      ['the account is gone', 'delete from auth_user where id = ?', 'sub'],
    ])('are worth nothing at once when %s', async (title, statement, claim) => {
      const one = `${title.replaceAll(' ', '-')}@example.org`
      await on.account(one)
      const tokens = await on.tokens(one)
      expect(await on.status(tokens.access)).toBe(200)
      await on.sql(statement, [claimsOf(tokens.access)[claim]])
      expect(await on.status(tokens.access)).toBe(401)
      if (!title.includes('version')) expect((await on.refresh(tokens.refresh)).status).toBe(401)
    })

    // SES-27
    it('lend no rights that were taken back', async () => {
      await on.system.auth.services.accounts.ensureAdmin('root@example.org', 'correct horse battery staple')
      const root = await on.tokens('root@example.org')
      expect((await on.get('/api/audit/events', root.access)).status).toBe(200)
      await on.sql('update auth_user set is_admin = false where id = ?', [claimsOf(root.access).sub])
      expect((await on.get('/api/audit/events', root.access)).status).toBe(403)
    })

    // JWT-12
    it.each<[number, string, string | string[]]>([
      [200, 'the scheme in small letters', 'bearer TOKEN'],
      [401, 'two blanks', 'Bearer  TOKEN'],
      [401, 'another scheme', 'Basic TOKEN'],
      [401, 'two tokens', 'Bearer TOKEN, Bearer TOKEN'],
      [401, 'broken percent-encoding', 'Bearer %E0%A4%A'],
      [401, 'letters that are none of ASCII', 'Bearer \u00e9\u00e9.\u00e9\u00e9.\u00e9\u00e9'],
      [401, 'a few kilobytes', `Bearer ${'a'.repeat(8000)}`],
      [431, 'many kilobytes', `Bearer ${'a'.repeat(65_536)}`],
    ])('are answered with %i in a header with %s', async (status, _title, header) => {
      expect(await statusOf(on.system.url, { authorization: String(header).replaceAll('TOKEN', access) })).toBe(status)
    })

    it('are not looked for in a second header', async () => {
      const answers = [
        ['Bearer x', `Bearer ${access}`],
        ['Basic eDp5', `Bearer ${access}`],
      ]
      for (const authorization of answers) expect(await statusOf(on.system.url, { authorization })).toBe(401)
    })

    // JWT-13
    it('are not taken from the address or the body', async () => {
      for (const field of ['access_token', 'token', 'access'])
        expect((await on.client().get(`/api/auth/sessions?${field}=${access}`)).status).not.toBe(200)
      expect((await on.client().post('/api/auth/change-password', { access_token: access })).status).toBe(401)
    })

    it('are told good or not by token/verify, as they are at this moment', async () => {
      const tokens = await on.tokens(email)
      const verify = () => on.client().post('/api/auth/token/verify', { token: tokens.access })
      expect((await verify()).json).toEqual({ active: true, user_id: claimsOf(tokens.access).sub })
      await on.client().post('/api/auth/logout', {}, { authorization: `Bearer ${tokens.access}` })
      const refused = await verify()
      expect([refused.status, refused.json.code]).toEqual([401, 'invalid_token'])
    })

    it('cost the database one statement, however often they come', async () => {
      const { orm, statements } = on.system.auth.database
      const others = vi.spyOn(orm.em.getDriver().getConnection(), 'execute')
      const asked = vi.spyOn(statements, 'query')
      for (let time = 1; time <= 3; time++) {
        expect(await on.status(access)).toBe(200)
        expect(asked).toHaveBeenCalledTimes(time)
      }
      expect(others).not.toHaveBeenCalled()
      for (const spy of [asked, others]) spy.mockRestore()
    })

    // JWT-16
    it('are verified with keys that anybody may have, which tell no secret', async () => {
      const answer = await on.client().get('/.well-known/jwks.json')
      expect(answer.headers.get('cache-control')).toBe('public, max-age=300')
      expect(answer.text).toBe((await on.client().get('/api/auth/jwks.json')).text)
      for (const key of answer.json.keys)
        expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x'])
      const stored = await on.sql<{ text: string }>('select sealed_jwk as text from auth_signing_key')
      for (const { text } of stored) expect(Buffer.from(text, 'base64url').toString('latin1')).not.toContain('"d":')
    })

    // JWT-15
    it('of the key before are good for the overlap, and those of a key that was taken back never more', async () => {
      const before = await on.tokens(email)
      const old = partsOf(before.access).header.kid
      expect(await keys().rotate()).toBe(true)
      const after = await on.tokens(email)
      expect(partsOf(after.access).header.kid).not.toBe(old)
      expect([await on.status(before.access), await on.status(after.access)]).toEqual([200, 200])
      expect(await kids()).toEqual([partsOf(after.access).header.kid, old])

      await on.sql("update auth_signing_key set expires_at = now() - interval '1 second' where kid = ?", [old])
      expect([await on.status(before.access), await on.status(after.access)]).toEqual([401, 200])
      await on.system.auth.services.sweeper.sweep()
      expect(await kids()).toEqual([partsOf(after.access).header.kid])
      expect(await on.status(before.access)).toBe(401)

      await keys().rotate({ overlap: 0 })
      expect(await on.status(after.access)).toBe(401)
      expect(await on.status((await on.refresh(after.refresh)).json.access)).toBe(200)
    })

    it('get another key when an administrator says so, with nothing left of the one before if that is said, too', async () => {
      await on.system.auth.services.accounts.ensureAdmin('keys@example.org', 'correct horse battery staple')
      const rotate = (access: string, body: object) =>
        on.client().post('/api/auth/admin/signing-keys/rotation', body, { authorization: `Bearer ${access}` })
      const [mine, admin] = [await on.tokens(email), await on.tokens('keys@example.org')]
      expect((await rotate(mine.access, {})).status).toBe(403)
      for (const overlap of [-1, 0.5, '0', null]) expect((await rotate(admin.access, { overlap })).status).toBe(400)
      const rows = await on.rowsOf(async () =>
        expect((await rotate(admin.access, {})).json.keys.length).toBeGreaterThan(1),
      )
      expect(rows).toMatchObject([
        { event: 'admin_action', outcome: 'success', details: { action: 'signing_key_rotation' } },
      ])
      expect(await on.status(mine.access)).toBe(200)
      const fresh = await on.tokens(email)
      await rotate(admin.access, { overlap: 0 })
      expect([await on.status(mine.access), await on.status(fresh.access)]).toEqual([200, 401])
    })

    it('get another key when theirs has grown old, which is a row, once for all who look', async () => {
      const [old] = await kids()
      await on.sql("update auth_signing_key set created_at = now() - interval '91 days'")
      const rows = await on.rowsOf(() => Promise.all([1, 2].map(() => on.system.auth.services.sweeper.sweep())))
      expect(await kids()).toContain(old)
      expect((await kids())[0]).not.toBe(old)
      const rotations = rows.filter(({ event }) => event === 'admin_action')
      expect(rotations).toMatchObject([{ outcome: 'success', details: { action: 'signing_key_rotation' } }])
    })
  })
}

// One of the places is enough: what differs is the key.
const { make } = places.findLast(({ here }) => here) as (typeof places)[number]

describe.each(['EdDSA', 'ES256'] as const)('access tokens that are signed by %s', (algorithm) => {
  const on = sessionJourneys(make, { limits: unlimited, accessTokens: { algorithm } })
  beforeAll(() => on.account(email))

  it('are verified by another library, with what the server publishes', async () => {
    const { access } = await on.tokens(email)
    const { header, claims } = partsOf(access)
    const { keys } = (await on.client().get('/.well-known/jwks.json')).json
    const jwk = keys.find(({ kid }: { kid: unknown }) => kid === header.kid)
    const key = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }).toString()
    const expected = { allowedIss: 'http://127.0.0.1:3000', allowedAud: 'countersign-api' }
    const verify = createVerifier({ key, algorithms: [algorithm], ...expected })
    expect(verify(access)).toEqual(claims)
    expect(() => verify(`${access.slice(0, -8)}AAAAAAAA`)).toThrow()
    const foreign = createVerifier({ key, algorithms: [algorithm], ...expected, allowedAud: 'another-api' })
    expect(() => foreign(access)).toThrow()
  })

  // JWT-06
  it('are refused with a signature of nothing but zeros', async () => {
    const { access } = await on.tokens(email)
    const zeros = [...access.split('.').slice(0, 2), Buffer.alloc(64).toString('base64url')].join('.')
    expect([await on.status(access), await on.status(zeros)]).toEqual([200, 401])
  })
})

describe('access tokens that are signed by HS256', () => {
  const on = sessionJourneys(make, { limits: unlimited, accessTokens: { algorithm: 'HS256' } })
  beforeAll(() => on.account(email))

  // JWT-16
  it('are taken, and their secret is published to nobody', async () => {
    const { access } = await on.tokens(email)
    expect(partsOf(access).header).toMatchObject({ alg: 'HS256', typ: 'at+jwt' })
    expect(await on.status(access)).toBe(200)
    expect((await on.client().get('/.well-known/jwks.json')).json).toEqual({ keys: [] })
  })
})

/** By a client that sends what it is told to. */
function statusOf(url: string, headers: Record<string, string | string[]>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const pairs = Object.entries(headers).flatMap(([name, values]) => [values].flat().flatMap((value) => [name, value]))
    const { host } = new URL(url)
    const asked = request(`${url}/api/auth/csrf`, { headers: ['host', host, ...pairs] as never }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    asked.once('error', reject).end()
  })
}

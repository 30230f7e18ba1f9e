import { request } from 'node:http'
import { describe, expect, it } from 'vitest'
import type { Answer } from '../support/auth-client.js'
import { places, unlimited } from '../support/auth-systems.js'
import { password, passwordJourneys, plain } from '../support/password-journeys.js'

const wrong = 'some other horse battery staple'

/** The headers in the order they came in, without what differs in every answer. */
const shape = ({ headers }: Answer) =>
  [...headers].filter(([name]) => !['date', 'x-request-id', 'keep-alive', 'etag'].includes(name)).map(([name]) => name)

for (const { name, here, make } of places) {
  describe.runIf(here)(`who looks for accounts on ${name}`, () => {
    const on = passwordJourneys(make)
    const post = (path: string, body: unknown, headers?: Record<string, string>) =>
      on.client().post(`/api/auth/${path}`, body, headers)

    // ENU-01, ENU-03
    it('gets the same answer to a wrong password, whatever state the account is in', async () => {
      const states = {
        known: 'true',
        unverified: 'verified_at = null',
        disabled: 'disabled_at = now()',
        passwordless: 'password_hash = null',
      }
      const answers = [await post('login', { email: 'nobody@example.org', password: wrong })]
      for (const [state, change] of Object.entries(states)) {
        const { id, email } = await on.account(`${state}@example.org`)
        if (change !== 'true') await on.sql(`update auth_user set ${change} where id = ?`, [id])
        answers.push(await post('login', { email, password: wrong }))
      }
      expect(new Set(answers.map(plain)).size).toBe(1)
      expect(new Set(answers.map((answer) => shape(answer).join())).size).toBe(1)
      const right = (email: string) => post('login', { email, password })
      expect((await right('unverified@example.org')).json.code).toBe('email_not_verified')
      for (const email of ['disabled@example.org', 'passwordless@example.org'])
        expect(plain(await right(email))).toBe(plain(answers[0] as Answer))
    })

    // ENU-04, ENU-07
    it.each([
      ['signup', { password, confirm_password: password }],
      ['password-reset', {}],
      ['verify-account/resend', {}],
    ])('gets the same answer of %s, in body and headers', async (path, more) => {
      await on.account(`owner-${path.length}@example.org`)
      const [known, fresh] = [
        await post(path, { email: `owner-${path.length}@example.org`, ...more }),
        await post(path, { email: `fresh-${path.length}@example.org`, ...more }),
      ]
      expect([known.status, plain(known)]).toEqual([202, plain(fresh)])
      expect(shape(known)).toEqual(shape(fresh))
      expect(known.headers.getSetCookie()).toEqual([])
    })

    // ENU-06, RST-11
    it('makes one account of every spelling of an address, and none of a look-alike', async () => {
      const spellings = ['One@example.org', 'one@EXAMPLE.org', ' one@example.org ']
      for (const email of spellings) await post('signup', { email, password, confirm_password: password })
      expect(await on.sql("select 1 from auth_user where email_canonical = 'one@example.org'")).toHaveLength(1)
      const lookAlikes = [
        '\uff4fne@example.org',
        '\u043ene@example.org',
        'on\u0117@example.org',
        'one@ex\u0430mple.org',
      ]
      for (const email of lookAlikes) {
        expect((await post('signup', { email, password, confirm_password: password })).json.code).toBe('invalid_email')
        expect((await post('password-reset', { email })).status).toBe(202)
      }
      const to = (await on.mails()).map((mail) => mail.to.trim().toLowerCase())
      expect(to.filter((address) => !/^[\w.-]+@example\.org$/.test(address))).toEqual([])
    })

    // REG-12, RST-12
    it.each([
      'a@example.org,b@example.org',
      'a@example.org\r\nBcc: b@example.org',
      '"a@example.org"@evil.example',
      'a\uff20example.org',
      `${'a'.repeat(255)}@example.org`,
      'a@b@example.org',
      'a@localhost',
      'a@\u00fcber.example',
    ])('signs nobody up as %j, and mails nobody', async (email) => {
      const before = (await on.mails()).length
      const { status, json } = await post('signup', { email, password, confirm_password: password })
      expect([status, json.code]).toEqual([400, expect.toBeOneOf(['invalid_email', 'validation_failed'])])
      expect((await on.mails()).length).toBe(before)
    })

    // RST-12
    it.each([[['a@example.org']], [{ $ne: null }], [null], [7], [true]])('resets no password of %j', async (email) => {
      expect((await post('password-reset', { email })).json.code).toBe('validation_failed')
    })

    // RST-08
    it.each(['redirectTo', 'callbackURL', 'next'])('sends nobody elsewhere by %s', async (field) => {
      const { status, json } = await post('password-reset', { email: 'known@example.org', [field]: '//evil.example' })
      expect([status, json.code]).toEqual([400, 'validation_failed'])
    })

    // RST-07
    it('mails links to the configured address, whatever the request says of the host', async () => {
      const { email } = await on.account('hosts@example.org')
      const forged = [
        { 'x-forwarded-host': 'evil.example' },
        { forwarded: 'host=evil.example' },
        { host: 'evil.example' },
        { host: 'good.example:@evil.example' },
      ]
      for (const headers of forged) await raw(on.system.url, '/api/auth/password-reset', headers, { email })
      await raw(on.system.url, 'http://evil.example/api/auth/password-reset', {}, { email })
      const texts = (await on.mails()).filter(({ to }) => to === email).map(({ text }) => text)
      expect(texts.length).toBeGreaterThanOrEqual(3)
      for (const text of texts) expect(text).toMatch(/http:\/\/127\.0\.0\.1:3000\//)
      expect(texts.join()).not.toContain('evil')
    })

    // REG-04, REG-07
    it('verifies nothing by a link that is too old, or was replaced', async () => {
      const email = 'links@example.org'
      await post('signup', { email, password, confirm_password: password })
      const first = await on.client().mailedToken(email)
      await post('verify-account/resend', { email })
      const second = await on.client().mailedToken(email)
      expect((await post('verify-account', { token: first })).json.code).toBe('invalid_token')
      await on.sql("update auth_one_time_token set expires_at = now() - interval '1 second'")
      expect((await post('verify-account', { token: second })).json.code).toBe('invalid_token')
      await post('verify-account/resend', { email })
      expect((await post('verify-account', { token: await on.client().mailedToken(email) })).status).toBe(200)
    })
  })

  describe.runIf(here)(`who evades limits on ${name}`, () => {
    const limits = { ...unlimited, login: { address: '3/min' }, password_reset: { identifier: '3/h' } }
    const on = passwordJourneys(make, { limits })
    const login = (path: string, headers: Record<string, string> = {}) =>
      on.client().post(path, { email: 'nobody@example.org', password: wrong }, headers)

    // THR-06, THR-08, THR-09, THR-11
    it('gets no more tries by headers that name an address, nor by other spellings of the path', async () => {
      const named = ['x-forwarded-for', 'x-real-ip', 'forwarded', 'cf-connecting-ip', 'true-client-ip', 'x-client-ip']
      const statuses = []
      for (const [index, header] of named.entries())
        statuses.push((await login('/api/auth/login', { [header]: `198.51.100.${index}` })).status)
      expect(statuses).toEqual([401, 401, 401, 429, 429, 429])
      for (const forged of ['x'.repeat(8000), 'garbage', '1.2.3.4:80', '[::1]:1', ''])
        expect((await login('/api/auth/login', { 'x-forwarded-for': forged })).status).toBe(429)
      const spellings = ['login/', 'LOGIN', 'login?x=1', '/login', 'login;a', '%6cogin', 'l%6Fgin/']
      for (const spelling of spellings) expect((await login(`/api/auth/${spelling}`)).status).toBeOneOf([404, 429])
      const rows = await on.system.rows()
      expect(new Set(rows.filter(({ event }) => event === 'login').map(({ address }) => address))).toEqual(
        new Set(['127.0.0.1']),
      )
    })

    // RST-16
    it('sends three mails for twenty resets of one address, and locks nothing', async () => {
      const { email } = await on.account('flood@example.org')
      const asked = Array.from({ length: 20 }, () => on.client().post('/api/auth/password-reset', { email }))
      const statuses = (await Promise.all(asked)).map(({ status }) => status)
      expect(statuses.filter((status) => status === 202)).toHaveLength(3)
      const resets = (await on.mails()).filter(({ to, subject }) => to === email && subject === 'Reset your password')
      expect(resets).toHaveLength(3)
      expect(await on.sql('select 1 from auth_lockout where locked_until is not null')).toEqual([])
    })
  })
}

/** What `fetch` does not let through. */
function raw(url: string, path: string, headers: Record<string, string>, body: object): Promise<number | undefined> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const options = {
      hostname,
      port,
      path,
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
    }
    request(options, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode))
    })
      .on('error', reject)
      .end(JSON.stringify(body))
  })
}

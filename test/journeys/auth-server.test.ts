import { describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { ownSystem, places } from '../support/auth-systems.js'
import { password } from '../support/password-journeys.js'
import { referenceJourneys } from '../support/reference-journeys.js'

for (const { name, here, make } of places) {
  describe.runIf(here)(`the walk through the README, on ${name}`, () => {
    const system = ownSystem(make, {})

    it('leaves exactly one row for each attempt, right in every field', async () => {
      const client = new AuthClient(system().url)
      const agent = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' }
      const email = 'Ada@Example.org'
      const post = (path: string, body: unknown) => client.post(`/api/auth/${path}`, body, agent)
      const login = async (typed: string) => (await post('login', { email, password: typed })).status

      expect((await post('signup', { email, password, confirm_password: password })).status).toBe(202)
      expect(await login(password)).toBe(401)
      expect((await post('verify-account', { token: await client.mailedToken(email) })).status).toBe(200)
      expect(await login('wrong horse battery staple')).toBe(401)
      expect(await login(password)).toBe(200)
      const statuses = []
      for (let wrong = 0; wrong < 6; wrong++) statuses.push(await login(`wrong ${wrong}`))
      expect(statuses).toEqual([401, 401, 401, 401, 401, 429])
      expect((await post('logout', {})).status).toBe(204)

      const rows = await system().rows()
      const id = rows[0]?.subject?.id
      const [account, anonymous] = [{ type: 'user', id }, { type: 'anonymous' }]
      const attempted = { hash: system().auth.trail.identifierHash('ada@example.org'), masked: 'a***@e***.org' }
      const wrong = {
        event: 'login',
        outcome: 'failure',
        reason: 'bad_credentials',
        status: 401,
        actor: anonymous,
        subject: account,
        attempted,
      }
      const user = { type: 'user', id, label: email }
      expect(rows).toMatchObject([
        {
          event: 'signup',
          outcome: 'success',
          reason: null,
          status: 202,
          actor: anonymous,
          subject: account,
          attempted,
        },
        {
          event: 'login',
          outcome: 'failure',
          reason: 'unverified',
          status: 401,
          actor: anonymous,
          subject: account,
          attempted,
        },
        {
          event: 'email_verification',
          outcome: 'success',
          reason: null,
          status: 200,
          actor: anonymous,
          subject: account,
          attempted: null,
        },
        { event: 'password_set', outcome: 'success', reason: null, status: null, actor: user, subject: account },
        wrong,
        { event: 'login', outcome: 'success', reason: null, status: 200, actor: user, subject: account, attempted },
        ...Array.from({ length: 5 }, () => wrong),
        { event: 'lockout_start', outcome: 'success', actor: anonymous, subject: account, attempted },
        {
          event: 'login',
          outcome: 'denied',
          reason: 'throttled',
          status: 429,
          actor: anonymous,
          subject: null,
          attempted,
          scope: 'login',
          limit: 5,
        },
        { event: 'logout', outcome: 'success', reason: null, status: 204, actor: user },
      ])
      for (const row of rows) {
        expect(row).toMatchObject({
          address: '127.0.0.1',
          userAgent: agent['user-agent'],
          httpMethod: 'POST',
          proxies: null,
        })
        expect(row.device).toEqual({ browser: 'Firefox', os: 'Linux', type: 'desktop' })
        expect(row.route).toMatch(/^\/api\/auth\/[a-z-]+$/)
      }
      // A fact beside an attempt is nobody's method.
      for (const row of rows.filter(({ event }) => !['password_set', 'lockout_start'].includes(event))) {
        expect(row.className).toMatch(/Controller$/)
        expect(row.methodName).toBe('post')
        expect(row.durationMs).toBeGreaterThan(0)
      }
      expect(rows[5]?.sessionId).toBe(rows.at(-1)?.sessionId)
      expect(JSON.stringify(rows)).not.toMatch(/horse|battery|wrong \d/)
    })
  })

  describe.runIf(here)(`the reference system on ${name}`, () => {
    const on = referenceJourneys(make)

    it('answers a reset request the same for every address, and mails the stored one only', async () => {
      const rows = await on.rowsOf(async () => {
        const known = await on.client.post('/api/auth/password-reset', { email: 'ADA@example.org' })
        const unknown = await on.client.post('/api/auth/password-reset', { email: 'nobody@example.org' })
        expect([known.status, unknown.status]).toEqual([202, 202])
        expect(unknown.text).toBe(known.text)
      })
      expect(rows).toMatchObject([
        { event: 'password_reset_request', outcome: 'success', status: 202 },
        { event: 'password_reset_request', outcome: 'failure', reason: 'unknown_account', status: 202 },
      ])
      const mails = (await on.client.get('/dev/mailbox.json')).json as Array<{ to: string; text: string }>
      expect(mails[0]?.to).toBe('ada@example.org')
      expect(mails[0]?.text).toContain('http://127.0.0.1:3000/reset-password?token=')
    })

    it('never takes the address of a link from the request', async () => {
      await on.client.post(
        '/api/auth/password-reset',
        { email: 'ada@example.org' },
        { 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' },
      )
      expect((await on.client.get('/dev/mailbox.json')).text).not.toContain('evil.example')
    })

    it.each([
      ['malformed JSON', '{"email":', 400],
      ['a number for a text', { email: 7, password }, 400],
      ['an object for a text', { email: { $ne: '' }, password }, 400],
      ['a raw fragment for a text', { email: { sql: '1', params: [] }, password }, 400],
      ['an array for a text', { email: ['ada@example.org'], password }, 400],
      ['unknown fields', { email: 'ada@example.org', password, is_admin: true }, 400],
      ['a NUL in a text', { email: 'ada\u0000@example.org', password }, 400],
      ['half a character', '{"email":"ada@example.org","password":"\\ud800 correct horse"}', 400],
      ['no body', '', 400],
      ['a body over the limit', { email: 'ada@example.org', password: 'x'.repeat(200_000) }, 413],
      ['invalid UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400],
    ] as const)('refuses %s with a problem that repeats nothing, and one row', async (_title, body, status) => {
      for (const path of [
        'login',
        'signup',
        'password-reset',
        'password-reset-confirm',
        'verify-account',
        'verify-account/resend',
      ]) {
        const rows = await on.rowsOf(async () => {
          const answer = await on.client.post(`/api/auth/${path}`, body)
          expect([path, answer.status]).toEqual([path, status])
          expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
          expect(answer.text).not.toMatch(/ada@|horse|is_admin|\$ne|xxx/)
        })
        expect(rows).toHaveLength(1)
        expect(rows[0]).toMatchObject({ outcome: 'failure', status })
      }
    })

    it('survives what a header can hold', async () => {
      const rows = await on.rowsOf(async () => {
        await on.client.post(
          '/api/auth/login',
          { email: 'ada@example.org', password: 'wrong' },
          {
            'user-agent': 'x'.repeat(10_000),
            'x-forwarded-for': `${'1.2.3.4, '.repeat(500)}garbage`,
            'x-request-id': '{"a":1}',
            forwarded: 'for=203.0.113.1',
            'x-real-ip': '203.0.113.1',
            'cf-connecting-ip': '203.0.113.1',
          },
        )
      })
      expect(rows).toMatchObject([{ address: '127.0.0.1', reason: 'bad_credentials' }])
      expect(rows[0]?.userAgent).toHaveLength(512)
    })

    it('says what it does not have, and hides what it runs on', async () => {
      const answer = await on.client.get('/api/auth/nowhere')
      expect(answer.status).toBe(404)
      expect(answer.json).toMatchObject({ status: 404, code: 'not_found' })
      expect(answer.headers.get('x-powered-by')).toBeNull()
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
    })

    it('takes a path with a trailing slash', async () => {
      expect((await on.client.post('/api/auth/login/', { email: 'ada@example.org', password })).status).toBe(200)
    })
  })

  describe.runIf(here)(`limits on ${name}`, () => {
    const system = ownSystem(make, { limits: { login: { address: '1000/min', failures: '5/5min' } } })

    it('let no more than five of fifty parallel wrong logins reach the password', async () => {
      const client = new AuthClient(system().url)
      const answers = await Promise.all(
        Array.from({ length: 50 }, () =>
          client.post('/api/auth/login', { email: 'target@example.org', password: 'wrong' }),
        ),
      )
      expect(answers.filter(({ status }) => status === 401)).toHaveLength(5)
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(45)
      const rows = await system().rows()
      expect(rows.filter(({ event }) => event === 'login')).toHaveLength(50)
      expect(rows.filter(({ outcome }) => outcome === 'denied')).toHaveLength(45)
    })

    it('count an identifier in any spelling', async () => {
      const client = new AuthClient(system().url)
      const spellings = [
        'Spell@example.org',
        ' spell@EXAMPLE.org',
        'spell@example.org ',
        'SPELL@example.org',
        '\uff53pell@example.org',
      ]
      for (const email of spellings)
        expect((await client.post('/api/auth/login', { email, password: 'wrong' })).status).toBe(401)
      expect((await client.post('/api/auth/login', { email: 'spell@example.org', password: 'wrong' })).status).toBe(429)
    })
  })
}

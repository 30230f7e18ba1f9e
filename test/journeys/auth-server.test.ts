import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { places, startSystem, type TestSystem, unlimited } from '../support/auth-systems.js'

const password = 'correct horse battery staple'

for (const { name, here, make } of places) {
  describe.runIf(here)(`the walk through the README, on ${name}`, () => {
    let system: TestSystem
    beforeAll(async () => {
      system = await startSystem(make)
    })
    afterAll(() => system.close())

    it('leaves exactly one row for each attempt, right in every field', async () => {
      const client = new AuthClient(system.url)
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

      const rows = await system.rows()
      const id = rows[0]?.subject?.id
      const [account, anonymous] = [{ type: 'user', id }, { type: 'anonymous' }]
      const attempted = { hash: system.auth.trail.identifierHash('ada@example.org'), masked: 'a***@e***.org' }
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
      for (const row of rows.filter(({ event }) => event !== 'password_set')) {
        expect(row.className).toMatch(/Controller$/)
        expect(row.methodName).toBe('post')
        expect(row.durationMs).toBeGreaterThan(0)
      }
      expect(rows[5]?.sessionId).toBe(rows.at(-1)?.sessionId)
      expect(JSON.stringify(rows)).not.toMatch(/horse|battery|wrong \d/)
    })
  })

  describe.runIf(here)(`the reference system on ${name}`, () => {
    let system: TestSystem
    let client: AuthClient
    beforeAll(async () => {
      system = await startSystem(make, { limits: unlimited })
      await new AuthClient(system.url).signUpAndVerify('ada@example.org', password)
      await system.auth.services.accounts.ensureAdmin('root@example.org', password)
    })
    afterAll(() => system.close())
    beforeEach(() => {
      client = new AuthClient(system.url)
    })
    const sql = <Row>(statement: string): Promise<Row[]> =>
      system.auth.database.orm.em.getDriver().getConnection().execute<Row[]>(statement)
    const since = async (run: () => Promise<unknown>) => {
      const before = (await system.rows()).length
      await run()
      return (await system.rows()).slice(before)
    }

    it('answers a sign-up the same for a taken and a fresh address, and tells the owner by mail', async () => {
      const signUp = (email: string) => client.post('/api/auth/signup', { email, password, confirm_password: password })
      const rows = await since(async () => {
        const [fresh, taken] = [await signUp('fresh@example.org'), await signUp(' ADA@example.org')]
        expect(taken.status).toBe(fresh.status)
        expect(taken.text).toBe(fresh.text)
        expect(taken.headers.getSetCookie()).toEqual([])
      })
      expect(rows).toMatchObject([
        { event: 'signup', outcome: 'success' },
        { event: 'signup', outcome: 'failure', reason: 'already_registered', status: 202 },
      ])
      const mails = (await client.get('/dev/mailbox.json')).json as Array<{ to: string; subject: string }>
      expect(mails[0]).toMatchObject({ to: 'ada@example.org', subject: 'You have an account already' })
    })

    it('gives an address to whoever has its mailbox, not to who signed up with it first', async () => {
      const stolen = 'stolen@example.org'
      await client.post('/api/auth/signup', {
        email: stolen,
        password: 'the attackers password',
        confirm_password: 'the attackers password',
      })
      await client.post('/api/auth/signup', { email: stolen, password, confirm_password: password })
      await client.post('/api/auth/verify-account', { token: await client.mailedToken(stolen) })
      expect((await client.post('/api/auth/login', { email: stolen, password: 'the attackers password' })).status).toBe(
        401,
      )
      expect((await client.post('/api/auth/login', { email: stolen, password })).status).toBe(200)
    })

    it('lets a verification token be used once, by twenty at the same time', async () => {
      await client.post('/api/auth/signup', { email: 'once@example.org', password, confirm_password: password })
      const token = await client.mailedToken('once@example.org')
      const rows = await since(async () => {
        const answers = await Promise.all(
          Array.from({ length: 20 }, () => client.post('/api/auth/verify-account', { token })),
        )
        expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
        expect(answers.filter(({ status }) => status === 400)).toHaveLength(19)
      })
      const verifications = rows.filter(({ event }) => event === 'email_verification')
      expect(verifications.filter(({ outcome }) => outcome === 'success')).toHaveLength(1)
      const failures = verifications.filter(({ outcome }) => outcome === 'failure')
      expect(failures.map(({ reason }) => reason)).toEqual(Array.from({ length: 19 }, () => 'invalid_token'))
      expect(rows.filter(({ event }) => event === 'password_set')).toHaveLength(1)
      expect(rows).toHaveLength(21)
    })

    it('changes nothing when a verification link is opened', async () => {
      await client.post('/api/auth/signup', { email: 'scanned@example.org', password, confirm_password: password })
      const token = await client.mailedToken('scanned@example.org')
      const rows = await since(async () =>
        expect((await client.get(`/api/auth/verify-account?token=${token}`)).status).toBe(200),
      )
      expect(rows).toEqual([])
      expect((await client.post('/api/auth/login', { email: 'scanned@example.org', password })).status).toBe(401)
      expect((await client.post('/api/auth/verify-account', { token })).status).toBe(200)
    })

    it('takes a password in either Unicode form', async () => {
      const [composed, decomposed] = ['caf\u00e9 con leche por favor', 'cafe\u0301 con leche por favor']
      await client.signUpAndVerify('cafe@example.org', composed)
      expect((await client.post('/api/auth/login', { email: 'cafe@example.org', password: decomposed })).status).toBe(
        200,
      )
    })

    it.each([
      ['too short', 'fourteen chars', 'password_too_short'],
      ['too long', 'a'.repeat(257), 'password_too_long'],
    ])('refuses a password that is %s', async (_title, typed, code) => {
      const answer = await client.post('/api/auth/signup', {
        email: 'p@example.org',
        password: typed,
        confirm_password: typed,
      })
      expect(answer.status).toBe(400)
      expect(answer.json.code).toBe(code)
    })

    it('answers an unknown account as a wrong password, and records which it was', async () => {
      const rows = await since(async () => {
        const unknown = await client.post('/api/auth/login', { email: 'nobody@example.org', password })
        const wrong = await client.post('/api/auth/login', { email: 'ada@example.org', password: 'wrong' })
        const plain = ({ text }: { text: string }) => text.replace(/"request_id":"[^"]*"/, '')
        expect(plain(unknown)).toBe(plain(wrong))
        expect([unknown.status, wrong.status]).toEqual([401, 401])
      })
      const failure = { event: 'login', outcome: 'failure', status: 401 }
      expect(rows).toMatchObject([
        { ...failure, reason: 'unknown_account', subject: null },
        { ...failure, reason: 'bad_credentials', subject: { type: 'user' } },
      ])
      expect(rows).toHaveLength(2)
    })

    it('lets nobody in whose account is not verified, or was disabled', async () => {
      const off = { email: 'off@example.org', password }
      await client.post('/api/auth/signup', { ...off, confirm_password: password })
      const token = await client.mailedToken(off.email)
      const rows = await since(async () => {
        expect((await client.post('/api/auth/login', off)).status).toBe(401)
        await client.post('/api/auth/verify-account', { token })
        expect((await client.post('/api/auth/login', off)).status).toBe(200)
        await sql("update auth_user set disabled_at = now() where email_canonical = 'off@example.org'")
        expect((await client.post('/api/auth/login', off)).status).toBe(401)
      })
      const logins = rows.filter(({ event }) => event === 'login')
      expect(logins.map(({ outcome, reason }) => [outcome, reason])).toEqual([
        ['failure', 'unverified'],
        ['success', null],
        ['failure', 'disabled'],
      ])
    })

    it('sets a cookie that scripts cannot read and no token in the body', async () => {
      const answer = await client.post('/api/auth/login', { email: 'ada@example.org', password })
      expect(answer.headers.getSetCookie()[0]).toMatch(
        /^at=[\w.-]+; Max-Age=900; Path=\/; Expires=.*; HttpOnly; SameSite=Lax$/,
      )
      expect(answer.text).not.toContain(client.cookies.get('at'))
    })

    it('takes the access token as bearer, too, and no longer after the logout', async () => {
      await client.post('/api/auth/login', { email: 'ada@example.org', password })
      const authorization = `Bearer ${client.cookies.get('at')}`
      const stranger = new AuthClient(system.url)
      expect((await stranger.get('/api/auth/login-history', { authorization })).status).toBe(200)
      expect((await client.post('/api/auth/logout')).status).toBe(204)
      expect(client.cookies.has('at')).toBe(false)
      expect((await stranger.get('/api/auth/login-history', { authorization })).status).toBe(401)
      const rows = await since(async () =>
        expect((await stranger.post('/api/auth/logout', {}, { authorization })).status).toBe(401),
      )
      expect(rows).toMatchObject([{ event: 'logout', outcome: 'denied', status: 401 }])
    })

    it('stores no access token and no mailed token, in whole or in part', async () => {
      await client.post('/api/auth/login', { email: 'ada@example.org', password })
      await client.post('/api/auth/password-reset', { email: 'ada@example.org' })
      const [, claims, signature] = (client.cookies.get('at') as string).split('.')
      const mailed = await client.mailedToken('ada@example.org')
      const secrets = [claims, signature, mailed].flatMap((text = '') => [
        text,
        Buffer.from(text, 'base64url').toString('hex'),
      ])
      for (const [table, least] of [
        ['auth_session', 1],
        ['auth_one_time_token', 1],
        ['auth_user', 1],
        ['audit_event', 2],
      ] as const) {
        const stored = await sql<{ text: string }>(`select stored::text as text from ${table} as stored`)
        expect(stored.length, table).toBeGreaterThanOrEqual(least)
        for (const { text } of stored) for (const part of secrets) expect(text).not.toContain(part)
      }
    })

    it('logs nobody out by GET', async () => {
      await client.post('/api/auth/login', { email: 'ada@example.org', password })
      expect((await client.get('/api/auth/logout')).status).toBe(404)
      expect((await client.get('/api/auth/login-history')).status).toBe(200)
    })

    it.each([
      ['none at all', ''],
      ['no token', 'Bearer x'],
      ['another scheme', 'Basic YWRhOmFkYQ=='],
      ['an unsigned token', `Bearer ${jwt({ alg: 'none', typ: 'at+jwt' }, {})}`],
      ['a foreign signature', `Bearer ${jwt({ alg: 'HS256', typ: 'at+jwt' }, { sub: 'x' })}c2ln`],
      ['broken percent-encoding', 'Bearer %E0%A4%A'],
    ])('refuses a request with %s as its credential, and records the refusal', async (_title, authorization) => {
      const rows = await since(async () => {
        const answer = await client.post('/api/auth/logout', {}, { authorization })
        expect(answer.status).toBe(401)
      })
      expect(rows).toMatchObject([
        { event: 'logout', outcome: 'denied', reason: 'unauthenticated', status: 401, actor: { type: 'anonymous' } },
      ])
    })

    it('refuses a cookie that another site sends along', async () => {
      await client.post('/api/auth/login', { email: 'ada@example.org', password })
      const rows = await since(async () => {
        expect((await client.post('/api/auth/logout', {}, { origin: 'https://evil.example' })).status).toBe(403)
        expect((await client.post('/api/auth/logout', {}, { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
        expect((await client.post('/api/auth/logout', {}, { origin: system.url })).status).toBe(204)
      })
      expect(rows.map(({ outcome, reason }) => [outcome, reason])).toEqual([
        ['denied', 'csrf'],
        ['denied', 'csrf'],
        ['success', null],
      ])
    })

    it('answers a reset request the same for every address, and mails the stored one only', async () => {
      const rows = await since(async () => {
        const known = await client.post('/api/auth/password-reset', { email: 'ADA@example.org' })
        const unknown = await client.post('/api/auth/password-reset', { email: 'nobody@example.org' })
        expect([known.status, unknown.status]).toEqual([202, 202])
        expect(unknown.text).toBe(known.text)
      })
      expect(rows).toMatchObject([
        { event: 'password_reset_request', outcome: 'success', status: 202 },
        { event: 'password_reset_request', outcome: 'failure', reason: 'unknown_account', status: 202 },
      ])
      const mails = (await client.get('/dev/mailbox.json')).json as Array<{ to: string; text: string }>
      expect(mails[0]?.to).toBe('ada@example.org')
      expect(mails[0]?.text).toContain('http://127.0.0.1:3000/reset-password?token=')
    })

    it('never takes the address of a link from the request', async () => {
      await client.post(
        '/api/auth/password-reset',
        { email: 'ada@example.org' },
        { 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' },
      )
      expect((await client.get('/dev/mailbox.json')).text).not.toContain('evil.example')
    })

    it('shows a person the rows that concern them, failures against them included, and nobody else', async () => {
      await client.signUpAndVerify('own@example.org', password)
      await client.post('/api/auth/login', { email: 'own@example.org', password: 'wrong' })
      await client.post('/api/auth/login', { email: 'own@example.org', password })
      const { json } = await client.get('/api/auth/login-history')
      const events = json.items.map(({ event, outcome }: { event: string; outcome: string }) => `${event}.${outcome}`)
      expect(events).toEqual([
        'login.success',
        'login.failure',
        'password_set.success',
        'email_verification.success',
        'signup.success',
      ])
      expect(json.next_cursor).toBeNull()
      const page = (await client.get('/api/auth/login-history?limit=3')).json
      expect(page.items).toHaveLength(3)
      expect((await client.get(`/api/auth/login-history?limit=3&cursor=${page.next_cursor}`)).json.items).toHaveLength(
        2,
      )
    })

    it('shows the trail to an administrator, and records that it was read', async () => {
      await client.post('/api/auth/login', { email: 'root@example.org', password })
      const rows = await since(async () => {
        const { json } = await client.get(
          '/api/audit/events?event=login&outcome=failure&attempted=ada@example.org&limit=2',
        )
        expect(json.items.length).toBeGreaterThan(0)
        for (const item of json.items)
          expect(item).toMatchObject({ event: 'login', outcome: 'failure', attempted: { masked: 'a***@e***.org' } })
      })
      expect(rows).toMatchObject([{ event: 'audit_read', outcome: 'success', actor: { label: 'root@example.org' } }])
      expect(rows[0]?.details).toMatchObject({ filters: ['limit', 'event', 'outcome', 'attempted'].sort() })
    })

    it('shows the trail to nobody else, and records that, too', async () => {
      await client.post('/api/auth/login', { email: 'ada@example.org', password })
      const rows = await since(async () => {
        expect((await client.get('/api/audit/events')).status).toBe(403)
        expect((await new AuthClient(system.url).get('/api/audit/events')).status).toBe(401)
      })
      expect(rows).toMatchObject([
        { event: 'audit_read', outcome: 'denied', reason: 'forbidden', actor: { label: 'ada@example.org' } },
        { event: 'audit_read', outcome: 'denied', reason: 'unauthenticated', actor: { type: 'anonymous' } },
      ])
    })

    it.each([
      'limit=1e9',
      'limit=-1',
      'limit=2&limit=3',
      'sort=password_hash',
      'from=yesterday',
      'cursor=abc',
      "event=login'--",
      'outcome=maybe',
      'actor_id=a%00b',
    ])('refuses the query %s', async (query) => {
      await client.post('/api/auth/login', { email: 'root@example.org', password })
      const answer = await client.get(`/api/audit/events?${query}`)
      expect(answer.status).toBe(400)
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
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
        const rows = await since(async () => {
          const answer = await client.post(`/api/auth/${path}`, body)
          expect([path, answer.status]).toEqual([path, status])
          expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
          expect(answer.text).not.toMatch(/ada@|horse|is_admin|\$ne|xxx/)
        })
        expect(rows).toHaveLength(1)
        expect(rows[0]).toMatchObject({ outcome: 'failure', status })
      }
    })

    it('survives what a header can hold', async () => {
      const rows = await since(async () => {
        await client.post(
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
      const answer = await client.get('/api/auth/nowhere')
      expect(answer.status).toBe(404)
      expect(answer.json).toMatchObject({ status: 404, code: 'not_found' })
      expect(answer.headers.get('x-powered-by')).toBeNull()
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
    })

    it('takes a path with a trailing slash', async () => {
      expect((await client.post('/api/auth/login/', { email: 'ada@example.org', password })).status).toBe(200)
    })

    it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('has no route by which a row could be written: %s', async (method) => {
      await client.post('/api/auth/login', { email: 'root@example.org', password })
      const [newest] = (await client.get('/api/audit/events')).json.items
      const headers = { 'content-type': 'application/json' }
      const rows = await since(async () => {
        for (const path of ['/api/audit/events', `/api/audit/events/${newest.id}`])
          expect((await client.request(path, { method, headers, body: JSON.stringify(newest) })).status).toBe(404)
      })
      expect(rows).toEqual([])
    })

    it('refuses every change to the rows in the database', async () => {
      const connection = system.auth.database.orm.em.getDriver().getConnection()
      for (const statement of [
        "update audit_event set outcome = 'success'",
        'update audit_event set actor_label = null',
        'delete from audit_event',
        'truncate audit_event',
        `truncate audit_event_${new Date().toISOString().slice(0, 7).replace('-', '_')}`,
        `delete from audit_event_${new Date().toISOString().slice(0, 7).replace('-', '_')}`,
      ]) {
        await expect(connection.execute(statement), statement).rejects.toThrow(/append-only/)
      }
    })
  })

  describe.runIf(here)(`limits on ${name}`, () => {
    let system: TestSystem
    beforeAll(async () => {
      system = await startSystem(make, { limits: { login: { address: '1000/min', failures: '5/5min' } } })
    })
    afterAll(() => system.close())

    it('let no more than five of fifty parallel wrong logins reach the password', async () => {
      const client = new AuthClient(system.url)
      const answers = await Promise.all(
        Array.from({ length: 50 }, () =>
          client.post('/api/auth/login', { email: 'target@example.org', password: 'wrong' }),
        ),
      )
      expect(answers.filter(({ status }) => status === 401)).toHaveLength(5)
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(45)
      const rows = await system.rows()
      expect(rows).toHaveLength(50)
      expect(rows.filter(({ outcome }) => outcome === 'denied')).toHaveLength(45)
    })

    it('count an identifier in any spelling', async () => {
      const client = new AuthClient(system.url)
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

function jwt(header: object, payload: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part(header)}.${part(payload)}.`
}

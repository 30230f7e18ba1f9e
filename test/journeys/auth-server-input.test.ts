import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { places, startSystem, type TestSystem, unlimited } from '../support/auth-systems.js'

const password = 'correct horse battery staple'

for (const { name, here, make } of places) {
  describe.runIf(here)(`hostile input on ${name}`, () => {
    let system: TestSystem
    let client: AuthClient
    beforeAll(async () => {
      system = await startSystem(make, { limits: unlimited })
      await new AuthClient(system.url).signUpAndVerify('mike@example.org', password)
      await system.auth.services.accounts.ensureAdmin('root@example.org', password)
    })
    afterAll(() => system.close())
    beforeEach(() => {
      client = new AuthClient(system.url)
    })
    const post = (path: string, body: unknown) => client.post(`/api/auth/${path}`, body)
    const mailTo = async (recipient: string): Promise<number> => {
      const { json } = await client.get('/dev/mailbox.json')
      return (json as Array<{ to: string }>).filter(({ to }) => to === recipient).length
    }

    // U+212A becomes a k, and U+0130 an i and a dot, when they are lower-cased.
    it.each(['mi\u212Ae@example.org', 'm\u0130ke@example.org', 'mike@example.or\uff47', 'm\u0131ke@example.org'])(
      'takes %s for no address of anybody, and sends nothing to it',
      async (email) => {
        const signup = await post('signup', { email, password, confirm_password: password })
        expect([signup.status, signup.json.code]).toEqual([400, 'invalid_email'])
        expect((await post('login', { email, password })).status).toBe(401)
        expect((await post('password-reset', { email })).status).toBe(202)
        expect(await mailTo(email)).toBe(0)
        const [reset, login] = (await system.rows()).reverse()
        expect([reset?.reason, login?.reason]).toEqual(['unknown_account', 'unknown_account'])
      },
    )

    it.each([[null], [0], [''], ['true'], [[]], [{}]])('refuses %j for a remember_me', async (remember_me) => {
      const answer = await post('login', { email: 'mike@example.org', password, remember_me })
      expect(answer.status).toBe(400)
      expect(answer.json.errors).toMatchObject([{ field: 'remember_me', code: 'is_boolean' }])
    })

    it.each([
      ['from[toString]=1', null],
      ['from[valueOf]=1&from[toString]=1', null],
      ['event[]=login', null],
      ['event[$ne]=login', null],
      ['limit[a]=1', null],
      ['constructor[prototype][x]=1', null],
      ['__proto__[x]=1', null],
      ['then=1', null],
      ['from=2026-01-01&from=2026-01-02', 'from'],
      ['event=login&event=logout', 'event'],
      ['outcome=success&outcome=failure', 'outcome'],
      ['address=127.0.0.1&address=127.0.0.2', 'address'],
      ['address=fe80::1%25eth0', 'address'],
      ['address=127.1', 'address'],
      ['address=10.0.0.0/8', 'address'],
      ['address=somewhere', 'address'],
      ['address=', 'address'],
    ])('refuses the query %s and names the field', async (query, field) => {
      await post('login', { email: 'root@example.org', password })
      const answer = await client.get(`/api/audit/events?${query}`)
      expect(answer.status).toBe(400)
      expect(answer.json.errors.map((error: { field: string | null }) => error.field)).toContain(field)
    })

    it.each(['address=127.0.0.1', 'address=%3A%3Affff%3A127.0.0.1', 'from=2020-01-01&to=2999-01-01T00:00:00Z'])(
      'takes the query %s',
      async (query) => {
        await post('login', { email: 'root@example.org', password })
        expect((await client.get(`/api/audit/events?${query}`)).status).toBe(200)
      },
    )

    it('lets no cache keep an answer of the API, or know it again', async () => {
      const answers = [
        await post('login', { email: 'root@example.org', password }),
        await client.get('/api/audit/events'),
        await client.get('/api/auth/login-history'),
        await client.get('/api/auth/verify-account?token=x'),
        await client.get('/api/auth/nowhere'),
        await post('password-reset', { email: 'mike@example.org' }),
        await post('logout', {}),
        await post('logout', {}),
      ]
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 404, 202, 204, 204])
      for (const { headers } of answers)
        expect([headers.get('cache-control'), headers.get('etag'), headers.get('last-modified')]).toEqual([
          'no-store',
          null,
          null,
        ])
    })

    it('makes no administrator of an account that somebody signed up for', async () => {
      const { accounts } = system.auth.services
      await expect(accounts.ensureAdmin('Mike@example.org', password)).rejects.toMatchObject({
        code: 'SETTING_INVALID',
        message: expect.stringContaining('ADMIN_EMAIL has an account already'),
      })
      await post('signup', { email: 'squatter@example.org', password, confirm_password: password })
      await expect(accounts.ensureAdmin('squatter@example.org', password)).rejects.toThrow(/ADMIN_EMAIL/)
      await post('login', { email: 'mike@example.org', password })
      expect((await client.get('/api/audit/events')).status).toBe(403)
    })

    it('leaves an administrator as it is', async () => {
      await system.auth.services.accounts.ensureAdmin('ROOT@example.org', 'another password altogether')
      expect((await post('login', { email: 'root@example.org', password })).status).toBe(200)
    })

    it('lets parallel starts make one administrator', async () => {
      const { accounts } = system.auth.services
      await Promise.all(Array.from({ length: 4 }, () => accounts.ensureAdmin('chief@example.org', password)))
      expect((await post('login', { email: 'chief@example.org', password })).json.user.is_admin).toBe(true)
    })
  })
}

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { places, startSystem, type TestSystem, unlimited } from '../support/auth-systems.js'
import { PasswordJourneys, password, passwordJourneys } from '../support/password-journeys.js'

/** Every scope that a stranger can use up, and a request in it. */
const doors = {
  login: ['login', { email: 'nobody@example.org', password: 'wrong' }],
  token_refresh: ['refresh', {}],
  token_verify: ['token/verify', { token: 'x' }],
  signup: ['signup', { email: 'no address', password: 'x', confirm_password: 'x' }],
  verify_account: ['verify-account', { token: 'x' }],
  verification_mail: ['verify-account/resend', { email: 'nobody@example.org' }],
  password_reset: ['password-reset', { email: 'nobody@example.org' }],
  password_reset_confirm: ['password-reset-confirm', { token: 'x', password: 'x', confirm_password: 'x' }],
  verify_login: ['2fa/verify-login', { session_token: 'x', code: '123456' }],
  change_email_confirm: ['change-email-confirm', { token: 'x' }],
  change_email_undo: ['change-email-undo', { token: 'x' }],
} as const

for (const { name, here, make } of places) {
  describe.runIf(here)(`the limits of strangers on ${name}`, () => {
    let system: TestSystem
    let on: PasswordJourneys
    beforeAll(async () => {
      const limits = Object.fromEntries(Object.keys(doors).map((scope) => [scope, { address: '2/h' }]))
      system = await startSystem(make, { limits: { ...unlimited, ...limits }, proxies: 1 })
      on = new PasswordJourneys(() => system)
    })
    afterAll(() => system.close())

    const knock = (scope: keyof typeof doors, address: string) => {
      const [path, body] = doors[scope]
      return new AuthClient(system.url).post(`/api/auth/${path}`, body, { 'x-forwarded-for': address })
    }

    // THR-13
    it.each(Object.keys(doors) as Array<keyof typeof doors>)(
      'are counted for %s alone, and refused in a row each',
      async (scope) => {
        const rows = await on.rowsOf(async () => {
          for (let attempt = 0; attempt < 2; attempt++) expect((await knock(scope, '192.0.2.1')).status).not.toBe(429)
          const refused = await knock(scope, '192.0.2.1')
          expect([refused.status, refused.headers.get('content-type')]).toEqual([
            429,
            'application/problem+json; charset=utf-8',
          ])
          expect(refused.headers.get('retry-after')).toMatch(/^[1-9]\d{0,3}$/)
          expect((await knock(scope, '192.0.2.2')).status).not.toBe(429)
        })
        const denied = rows.filter(({ outcome }) => outcome === 'denied')
        expect(denied).toMatchObject([{ reason: 'throttled', scope, limit: 2, address: '192.0.2.1', status: 429 }])
      },
    )

    // THR-10
    it.each([
      ['of one network of IPv6', ['2001:db8::1', '2001:DB8:0:0:ffff::2', '2001:db8::dead:beef']],
      ['of IPv4, mapped into IPv6', ['198.51.100.7', '::ffff:198.51.100.7', '::FFFF:c633:6407']],
    ])('count addresses %s as one', async (_what, addresses) => {
      const statuses = []
      for (const address of addresses) statuses.push((await knock('verify_account', address)).status)
      expect(statuses).toEqual([400, 400, 429])
    })
  })

  describe.runIf(here)(`mails on ${name}`, () => {
    const on = passwordJourneys(make)

    // REG-13
    it('have no name in them, nor what was typed in its place', async () => {
      const { email } = await on.account('named@example.org')
      const client = await on.session(email)
      const first_name = '<a href="https://evil.example">{{7*7}}</a>'
      expect(
        (await client.request('/api/auth/profile', patch({ first_name, bio: 'a\nBcc: b@example.org' }))).status,
      ).toBe(200)
      await client.post('/api/auth/change-email', { new_email: 'renamed@example.org', password })
      await on.resetToken(email)
      const mails = JSON.stringify(await on.mails())
      expect(mails).toContain('renamed@example.org')
      expect(mails).not.toMatch(/evil\.example|7\*7|Bcc:/)
    })
  })
}

const patch = (body: object): RequestInit => ({
  method: 'PATCH',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})

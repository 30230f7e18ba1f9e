import { describe, expect, it } from 'vitest'
import { places } from '../support/auth-systems.js'
import { password } from '../support/password-journeys.js'
import { twoFactorJourneys } from '../support/two-factor-journeys.js'

const foreign: Array<Record<string, string>> = [
  { origin: 'https://evil.example' },
  { origin: 'null' },
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
  { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
]

for (const { name, here, make } of places) {
  describe.runIf(here)(`a login that another site makes a browser send, on ${name}`, () => {
    const on = twoFactorJourneys(make)

    // SES-08
    it('is refused with the right password, and leaves no session and no cookie', async () => {
      const { email } = await on.account('lured@example.org')
      for (const headers of foreign) {
        const rows = await on.rowsOf(async () => {
          const answer = await on.client().post('/api/auth/login', { email, password }, headers)
          expect([answer.status, answer.json.code, answer.headers.getSetCookie()]).toEqual([403, 'csrf', []])
        })
        expect(rows).toMatchObject([
          { event: 'login', outcome: 'denied', reason: 'csrf', actor: { type: 'anonymous' } },
        ])
        expect(rows).toHaveLength(1)
      }
      expect(await on.sql('select id from auth_session')).toEqual([])
      for (const headers of [{ origin: 'http://127.0.0.1:3000' }, { 'sec-fetch-site': 'none' }, {}])
        expect((await on.client().post('/api/auth/login', { email, password }, headers)).status).toBe(200)
    })

    it('is not completed, and goes on to wait for its code', async () => {
      const { email, secret } = await on.secured('waiting@example.org')
      const { client, token: session_token } = await on.pending(email)
      const body = { session_token, code: on.code(secret) }
      for (const headers of foreign) {
        const answer = await client.post('/api/auth/2fa/verify-login', body, headers)
        expect([answer.status, answer.json.code, answer.headers.getSetCookie()]).toEqual([403, 'csrf', []])
      }
      expect((await client.post('/api/auth/2fa/verify-login', body)).status).toBe(200)
    })
  })
}

import { describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { places } from '../support/auth-systems.js'
import { password } from '../support/password-journeys.js'
import { referenceJourneys } from '../support/reference-journeys.js'

for (const { name, here, make } of places) {
  describe.runIf(here)(`logging in and out on ${name}`, () => {
    const on = referenceJourneys(make)
    const sql = <Row>(statement: string): Promise<Row[]> =>
      on.system.auth.database.orm.em.getDriver().getConnection().execute<Row[]>(statement)

    it('answers an unknown account as a wrong password, and records which it was', async () => {
      const rows = await on.rowsOf(async () => {
        const unknown = await on.client.post('/api/auth/login', { email: 'nobody@example.org', password })
        const wrong = await on.client.post('/api/auth/login', { email: 'ada@example.org', password: 'wrong' })
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
      await on.client.post('/api/auth/signup', { ...off, confirm_password: password })
      const token = await on.client.mailedToken(off.email)
      const rows = await on.rowsOf(async () => {
        expect((await on.client.post('/api/auth/login', off)).status).toBe(401)
        await on.client.post('/api/auth/verify-account', { token })
        expect((await on.client.post('/api/auth/login', off)).status).toBe(200)
        await sql("update auth_user set disabled_at = now() where email_canonical = 'off@example.org'")
        expect((await on.client.post('/api/auth/login', off)).status).toBe(401)
      })
      const logins = rows.filter(({ event }) => event === 'login')
      expect(logins.map(({ outcome, reason }) => [outcome, reason])).toEqual([
        ['failure', 'unverified'],
        ['success', null],
        ['failure', 'disabled'],
      ])
    })

    it('sets a cookie that scripts cannot read and no token in the body', async () => {
      const answer = await on.client.post('/api/auth/login', { email: 'ada@example.org', password })
      expect(answer.headers.getSetCookie()[0]).toMatch(/^at=[\w.-]+; Path=\/; HttpOnly; SameSite=Lax$/)
      expect(answer.text).not.toContain(on.client.cookies.get('at'))
    })

    it('takes the access token as bearer, too, and no longer after the logout', async () => {
      await on.client.post('/api/auth/login', { email: 'ada@example.org', password })
      const authorization = `Bearer ${on.client.cookies.get('at')}`
      const stranger = new AuthClient(on.system.url)
      expect((await stranger.get('/api/auth/login-history', { authorization })).status).toBe(200)
      expect((await on.client.post('/api/auth/logout')).status).toBe(204)
      expect(on.client.cookies.has('at')).toBe(false)
      expect((await stranger.get('/api/auth/login-history', { authorization })).status).toBe(401)
      const rows = await on.rowsOf(async () =>
        expect((await stranger.post('/api/auth/logout', {}, { authorization })).status).toBe(204),
      )
      expect(rows).toMatchObject([{ event: 'logout', outcome: 'failure', reason: 'unauthenticated', status: 204 }])
    })

    it('stores no access token and no mailed token, in whole or in part', async () => {
      await on.client.post('/api/auth/login', { email: 'ada@example.org', password })
      await on.client.post('/api/auth/password-reset', { email: 'ada@example.org' })
      const [, claims, signature] = (on.client.cookies.get('at') as string).split('.')
      const mailed = await on.client.mailedToken('ada@example.org')
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
      await on.client.post('/api/auth/login', { email: 'ada@example.org', password })
      expect((await on.client.get('/api/auth/logout')).status).toBe(405)
      expect((await on.client.get('/api/auth/login-history')).status).toBe(200)
    })

    it.each([
      ['none at all', ''],
      ['no token', 'Bearer x'],
      ['another scheme', 'Basic YWRhOmFkYQ=='],
      ['an unsigned token', `Bearer ${jwt({ alg: 'none', typ: 'at+jwt' }, {})}`],
      ['a foreign signature', `Bearer ${jwt({ alg: 'HS256', typ: 'at+jwt' }, { sub: 'x' })}c2ln`],
      ['broken percent-encoding', 'Bearer %E0%A4%A'],
    ])('refuses a request with %s as its credential, and records the refusal', async (_title, authorization) => {
      const rows = await on.rowsOf(async () => {
        const answer = await on.client.post('/api/auth/change-password', {}, { authorization })
        expect(answer.status).toBe(401)
      })
      expect(rows).toMatchObject([
        {
          event: 'password_change',
          outcome: 'denied',
          reason: 'unauthenticated',
          status: 401,
          actor: { type: 'anonymous' },
        },
      ])
    })

    it('refuses a cookie that another site sends along', async () => {
      await on.client.post('/api/auth/login', { email: 'ada@example.org', password })
      const rows = await on.rowsOf(async () => {
        expect((await on.client.post('/api/auth/logout', {}, { origin: 'https://evil.example' })).status).toBe(403)
        expect((await on.client.post('/api/auth/logout', {}, { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
        expect((await on.client.post('/api/auth/logout', {}, { origin: on.system.url })).status).toBe(204)
      })
      expect(rows.map(({ outcome, reason }) => [outcome, reason])).toEqual([
        ['denied', 'csrf'],
        ['denied', 'csrf'],
        ['success', null],
      ])
    })
  })
}

function jwt(header: object, payload: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part(header)}.${part(payload)}.`
}

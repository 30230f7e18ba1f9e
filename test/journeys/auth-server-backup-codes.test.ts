import { describe, expect, it } from 'vitest'
import { places } from '../support/auth-systems.js'
import { password } from '../support/password-journeys.js'
import { told, twoFactorJourneys } from '../support/two-factor-journeys.js'

for (const { name, here, make } of places) {
  describe.runIf(here)(`backup codes on ${name}`, () => {
    const on = twoFactorJourneys(make)
    const remaining = async (client: ReturnType<typeof on.client>): Promise<unknown> =>
      (await client.get('/api/auth/2fa/backup-codes')).json

    it('are ten of fifty bits without letters that are taken for others, and are shown once', async () => {
      const { client, codes } = await on.secured('ten@example.org')
      // BKP-01
      expect(new Set(codes).size).toBe(10)
      for (const code of codes) expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}$/)
      const answer = await client.get('/api/auth/2fa/backup-codes')
      expect([answer.status, answer.json]).toEqual([200, { remaining: 10 }])
      expect((await on.client().get('/api/auth/2fa/backup-codes')).status).toBe(401)
    })

    it('complete a login, once each, for their own account only, and tell how many are left', async () => {
      const { id, email, codes, client } = await on.secured('once@example.org')
      const other = await on.secured('other@example.org')
      const [code] = codes
      // BKP-02
      expect(told(await on.verified(other.email, code))).toBe('400 invalid_totp')
      const rows = await on.rowsOf(async () => {
        const answer = await on.verified(email, code)
        expect([answer.status, answer.json.backup_codes_remaining]).toEqual([200, 9])
      })
      const account = { type: 'user', id }
      expect(rows.slice(-2)).toMatchObject([
        { event: 'two_factor_challenge', actor: account, details: { factor: 'backup_code', remaining: 9 } },
        { event: 'login', outcome: 'success', actor: account, details: { method: 'backup_code' } },
      ])
      expect(told(await on.verified(email, code))).toBe('400 invalid_totp')
      expect(await remaining(client)).toEqual({ remaining: 9 })
      expect((await on.mails()).find(({ to }) => to === email)?.subject).toBe('A backup code was used')
    })

    it('are the same in any case and grouping, and with the letters that digits are taken for', async () => {
      const { email, codes, client } = await on.secured('spelled@example.org')
      const [one = '', two = '', three = '', four = ''] = codes
      const lookalike = four.replace('0', 'o').replaceAll('1', 'l')
      // BKP-08
      for (const [typed, again] of [
        [one.toLowerCase(), one],
        [two.replace('-', ''), two.toLowerCase()],
        [` ${[...three].join(' ')} `, three.replace('-', ' ')],
        [lookalike, four],
      ] as const) {
        expect([typed, told(await on.verified(email, typed))]).toEqual([typed, '200 ok'])
        expect([again, told(await on.verified(email, again))]).toEqual([again, '400 invalid_totp'])
      }
      expect(await remaining(client)).toEqual({ remaining: 6 })
    })

    it('are announced by mail when they run out, down to the last', async () => {
      const { email, codes } = await on.secured('last@example.org')
      for (const code of codes) expect(told(await on.verified(email, code))).toBe('200 ok')
      // BKP-07
      const texts = (await on.mails()).filter(({ to, subject }) => to === email && /backup code/.test(subject))
      expect(texts.slice(0, 5).map(({ subject, text }) => [subject, /used\. (.*?) If/.exec(text)?.[1]])).toEqual([
        ['You used your last backup code', 'None is left: please make new ones.'],
        ['A backup code was used', 'Only 1 is left: please make new ones.'],
        ['A backup code was used', 'Only 2 are left: please make new ones.'],
        ['A backup code was used', 'Only 3 are left: please make new ones.'],
        ['A backup code was used', '4 are left.'],
      ])
      const used = (await on.system.rows()).filter(
        ({ details }) => details && 'remaining' in details && details.remaining === 0,
      )
      expect(used).toMatchObject([{ event: 'two_factor_challenge', outcome: 'success' }])
      expect(told(await on.verified(email, codes[9]))).toBe('400 invalid_totp')
    })

    it('are replaced for the password: those before are worth nothing, nor is a login that waits for one', async () => {
      const { id, email, codes, client } = await on.secured('replaced@example.org')
      const elsewhere = on.client()
      await on.verify({ ...(await on.pending(email)), client: elsewhere }, codes[0])
      const waiting = await on.pending(email)
      expect(told(await client.post('/api/auth/2fa/backup-codes', { password: 'wrong' }))).toBe('400 wrong_password')
      expect(told(await client.post('/api/auth/2fa/backup-codes'))).toBe('400 validation_failed')
      let fresh: string[] = []
      const rows = await on.rowsOf(async () => {
        const answer = await client.post('/api/auth/2fa/backup-codes', { password })
        expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store'])
        fresh = answer.json.backup_codes
      })
      expect(rows).toMatchObject([
        { event: 'backup_codes_regenerate', outcome: 'success', actor: { type: 'user', id }, details: { count: 10 } },
      ])
      expect((await on.mails())[0]).toMatchObject({ to: email, subject: 'You have new backup codes' })
      expect([await on.isIn(client), fresh.length]).toEqual([true, 10])
      // BKP-04
      expect(told(await on.verify(waiting, codes[1]))).toBe('401 session_expired')
      expect(told(await on.verify(waiting, fresh[1]))).toBe('401 session_expired')
      for (const code of codes.slice(1, 4)) expect(told(await on.verified(email, code))).toBe('400 invalid_totp')
      expect(told(await on.verified(email, fresh[0]))).toBe('200 ok')
    })

    it('leave no session to logins with an old one at the time when they are replaced', async () => {
      for (let round = 0; round < 3; round++) {
        const { id, email, codes, client } = await on.secured(`meanwhile-${round}@example.org`)
        const logins = []
        for (let login = 0; login < 4; login++) logins.push(await on.pending(email))
        // BKP-04
        const [replaced] = await Promise.all([
          client.post('/api/auth/2fa/backup-codes', { password }),
          ...logins.map((login, index) => on.verify(login, codes[index])),
        ])
        expect(replaced.status).toBe(200)
        expect(await Promise.all(logins.map((login) => on.isIn(login.client)))).toEqual([false, false, false, false])
        const [open] = await on.sql(
          'select count(*)::int as n from auth_session where user_id = ? and ended_at is null',
          [id],
        )
        expect(open).toEqual({ n: 1 })
      }
    })
  })

  describe.runIf(here)(`twenty at the same time on ${name}`, () => {
    const on = twoFactorJourneys(make)
    const twenty = Array.from({ length: 20 }, (_, index) => index)
    const successes = (answers: string[]) => answers.filter((answer) => answer === '200 ok').length

    it('who bring one code of the authenticator, each to a login of their own: one gets in', async () => {
      const { email, secret } = await on.secured('one-step@example.org')
      const logins = []
      for (const _ of twenty) logins.push(await on.pending(email))
      const code = on.code(secret)
      // MFA-03
      const answers = (await Promise.all(logins.map((login) => on.verify(login, code)))).map(told)
      expect(successes(answers)).toBe(1)
      const inside = await Promise.all(logins.map(({ client }) => on.isIn(client)))
      expect(inside.filter(Boolean)).toHaveLength(1)
    })

    it('who bring one backup code, each to a login of their own: one gets in', async () => {
      const { email, codes } = await on.secured('one-code@example.org')
      const logins = []
      for (const _ of twenty) logins.push(await on.pending(email))
      // BKP-02
      expect(successes((await Promise.all(logins.map((login) => on.verify(login, codes[0])))).map(told))).toBe(1)
    })

    it('who complete one login: one gets in', async () => {
      const { email, secret } = await on.secured('one-login@example.org')
      const login = await on.pending(email)
      const code = on.code(secret)
      expect(successes((await Promise.all(twenty.map(() => on.verify(login, code)))).map(told))).toBe(1)
    })
  })
}

import { describe, expect, it } from 'vitest'
import { places } from '../support/auth-systems.js'
import { password } from '../support/password-journeys.js'
import { referenceJourneys } from '../support/reference-journeys.js'

for (const { name, here, make } of places) {
  describe.runIf(here)(`a sign-up and its verification on ${name}`, () => {
    const on = referenceJourneys(make)

    it('answers a sign-up the same for a taken and a fresh address, and tells the owner by mail', async () => {
      const signUp = (email: string) =>
        on.client.post('/api/auth/signup', { email, password, confirm_password: password })
      const rows = await on.rowsOf(async () => {
        const [fresh, taken] = [await signUp('fresh@example.org'), await signUp(' ADA@example.org')]
        expect(taken.status).toBe(fresh.status)
        expect(taken.text).toBe(fresh.text)
        expect(taken.headers.getSetCookie()).toEqual([])
      })
      expect(rows).toMatchObject([
        { event: 'signup', outcome: 'success' },
        { event: 'signup', outcome: 'failure', reason: 'already_registered', status: 202 },
      ])
      const mails = (await on.client.get('/dev/mailbox.json')).json as Array<{ to: string; subject: string }>
      expect(mails[0]).toMatchObject({ to: 'ada@example.org', subject: 'You have an account already' })
    })

    it('gives an address to whoever has its mailbox, not to who signed up with it first', async () => {
      const stolen = 'stolen@example.org'
      await on.client.post('/api/auth/signup', {
        email: stolen,
        password: 'the attackers password',
        confirm_password: 'the attackers password',
      })
      await on.client.post('/api/auth/signup', { email: stolen, password, confirm_password: password })
      await on.client.post('/api/auth/verify-account', { token: await on.client.mailedToken(stolen) })
      expect(
        (await on.client.post('/api/auth/login', { email: stolen, password: 'the attackers password' })).status,
      ).toBe(401)
      expect((await on.client.post('/api/auth/login', { email: stolen, password })).status).toBe(401)
    })

    it('lets a verification token be used once, by twenty at the same time', async () => {
      await on.client.post('/api/auth/signup', { email: 'once@example.org', password, confirm_password: password })
      const token = await on.client.mailedToken('once@example.org')
      const rows = await on.rowsOf(async () => {
        const answers = await Promise.all(
          Array.from({ length: 20 }, () => on.client.post('/api/auth/verify-account', { token })),
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
      await on.client.post('/api/auth/signup', { email: 'scanned@example.org', password, confirm_password: password })
      const token = await on.client.mailedToken('scanned@example.org')
      const rows = await on.rowsOf(async () =>
        expect((await on.client.get(`/api/auth/verify-account?token=${token}`)).status).toBe(200),
      )
      expect(rows).toEqual([])
      expect((await on.client.post('/api/auth/login', { email: 'scanned@example.org', password })).status).toBe(401)
      expect((await on.client.post('/api/auth/verify-account', { token })).status).toBe(200)
    })

    it('takes a password in either Unicode form', async () => {
      const [composed, decomposed] = ['caf\u00e9 con leche por favor', 'cafe\u0301 con leche por favor']
      await on.client.signUpAndVerify('cafe@example.org', composed)
      expect(
        (await on.client.post('/api/auth/login', { email: 'cafe@example.org', password: decomposed })).status,
      ).toBe(200)
    })

    it.each([
      ['too short', 'fourteen chars', 'password_too_short'],
      ['too long', 'a'.repeat(257), 'password_too_long'],
    ])('refuses a password that is %s', async (_title, typed, code) => {
      const answer = await on.client.post('/api/auth/signup', {
        email: 'p@example.org',
        password: typed,
        confirm_password: typed,
      })
      expect(answer.status).toBe(400)
      expect(answer.json.code).toBe(code)
    })
  })
}

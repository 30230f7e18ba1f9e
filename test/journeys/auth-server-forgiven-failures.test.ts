import { defaultLimits } from '@countersign/auth'
import { describe, expect, it } from 'vitest'
import type { AuthClient } from '../support/auth-client.js'
import { places, unlimited } from '../support/auth-systems.js'
import { password, passwordJourneys } from '../support/password-journeys.js'
import { twoFactorJourneys } from '../support/two-factor-journeys.js'

const wrong = 'some other horse battery staple'
const chosen = 'a sentence that is easy to keep'

for (const { name, here, make } of places) {
  describe.runIf(here)(`failures that the throttle of logins counted on ${name}`, () => {
    const { failures } = defaultLimits.login as { failures: string }
    // Lockouts would refuse as well: this is about the other count.
    const settings = {
      usernames: true,
      limits: { ...unlimited, login: { failures } },
      lockouts: { account: null, address: null },
    }
    const on = twoFactorJourneys(make, settings)
    const login = async (client: AuthClient, email: string, typed: string) =>
      (await client.post('/api/auth/login', { email, password: typed })).status

    it('are forgiven by a login that a code completed, also on a known device', async () => {
      const { id, email, secret } = await on.secured('codes@example.org')
      for (let time = 0; time < 7; time++) {
        await on.forget(id)
        expect((await on.verified(email, on.code(secret))).status).toBe(200)
      }
      const { client } = await on.pending(email)
      for (let time = 0; time < 7; time++) {
        await on.forget(id)
        const { json } = await client.post('/api/auth/login', { email, password })
        expect((await on.verify({ client, token: json.session_token }, on.code(secret))).status).toBe(200)
      }
    })

    it('are forgiven of a user name, too', async () => {
      const { id, email, secret } = await on.secured('named@example.org')
      await on.sql("update auth_user set username = 'Named', username_canonical = 'named' where id = ?", [id])
      for (let time = 0; time < 7; time++) {
        await on.forget(id)
        expect((await on.verified('named', on.code(secret))).status).toBe(200)
      }
      for (let time = 0; time < 5; time++) expect(await on.login('NAMED', wrong)).toBe(401)
      await on.confirm(await on.resetToken(email), chosen)
      expect(await on.login('named', chosen)).toBe(200)
    })

    it('are not forgiven by a right password alone where a code is asked for', async () => {
      const { email } = await on.secured('half@example.org')
      for (let time = 0; time < 5; time++) await on.pending(email)
      expect(await on.login(email, password)).toBe(429)
    })

    it('are forgiven by a reset on the known device that they came from', async () => {
      const { email } = await on.account('forgot@example.org')
      const client = await on.session(email)
      for (let time = 0; time < 5; time++) expect(await login(client, email, wrong)).toBe(401)
      expect(await login(client, email, password)).toBe(429)
      const token = await on.resetToken(email)
      await client.post('/api/auth/password-reset-confirm', { token, password: chosen, confirm_password: chosen })
      expect(await login(client, email, chosen)).toBe(200)
    })

    // THR-12
    it('are those of one identifier on a known device as well, however it is spelled', async () => {
      const { email } = await on.account('spelled@example.org')
      const client = await on.session(email)
      const statuses = []
      for (let blanks = 0; blanks < 6; blanks++) statuses.push(await login(client, email + ' '.repeat(blanks), wrong))
      expect(statuses).toEqual([401, 401, 401, 401, 401, 429])
    })
  })

  describe.runIf(here)(`a known device while strangers lock the account, on ${name}`, () => {
    const on = twoFactorJourneys(make)
    const lock = async (email: string) => {
      for (let time = 0; time < 5; time++) await on.login(email, wrong)
      expect(await on.login(email, password)).toBe(429)
    }

    // THR-03
    it('changes the second factor, and stays known', async () => {
      const { email } = await on.account('owner@example.org')
      const client = await on.session(email)
      await lock(email)
      const { json, status } = await client.post('/api/auth/2fa/setup', { password })
      expect(status).toBe(200)
      const post = async (path: string, body: object) => (await client.post(`/api/auth/2fa/${path}`, body)).status
      expect(await post('enable', { code: on.code(json.secret, -1) })).toBe(200)
      expect(await post('backup-codes', { password })).toBe(200)
      expect(await post('disable', { password, code: on.code(json.secret) })).toBe(200)
      expect((await client.post('/api/auth/login', { email, password })).status).toBe(200)
      expect(await on.login(email, password)).toBe(429)
    })
  })

  describe.runIf(here)(`an address that somebody signed up with and never verified, on ${name}`, () => {
    const on = passwordJourneys(make)

    it('is no obstacle for who proves to have the mailbox', async () => {
      const { id, email } = await on.account('mover@example.org')
      const wanted = 'squatted@example.org'
      const squat = { email: wanted, password: wrong, confirm_password: wrong }
      await (await on.session(email)).post('/api/auth/change-email', { new_email: wanted, password })
      const token = await on.client().mailedToken(wanted)
      await on.client().post('/api/auth/signup', squat)
      const link = await on.client().mailedToken(wanted)
      expect((await on.client().post('/api/auth/change-email-confirm', { token })).status).toBe(200)
      expect([await on.login(wanted, password), await on.login(wanted, wrong)]).toEqual([200, 401])
      expect((await on.client().post('/api/auth/verify-account', { token: link })).json.code).toBe('invalid_token')
      expect(await on.sql('select id from auth_user where email_canonical = ?', [wanted])).toEqual([{ id }])
    })
  })
}

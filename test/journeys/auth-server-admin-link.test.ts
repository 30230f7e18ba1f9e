import { adminLink, Secrets } from '@countersign/auth'
import { describe, expect, it } from 'vitest'
import { places, secret } from '../support/auth-systems.js'
import { password, passwordJourneys } from '../support/password-journeys.js'

const publicUrl = 'http://127.0.0.1:3000'
const chosen = 'the password of an administrator'

async function tokenFor(email: string, given: { secret?: string; publicUrl?: string } = {}): Promise<string> {
  const link = await adminLink({
    secrets: new Secrets(given.secret ?? secret),
    publicUrl: given.publicUrl ?? publicUrl,
    email,
  })
  expect(link.startsWith(`${given.publicUrl ?? publicUrl}/reset-password?token=`)).toBe(true)
  return new URL(link).searchParams.get('token') ?? ''
}

for (const { name, here, make } of places) {
  describe.runIf(here)(`the link that makes an administrator on ${name}`, () => {
    const on = passwordJourneys(make)
    const isAdmin = async (email: string, typed = chosen): Promise<boolean> =>
      (await (await on.session(email, typed)).get('/api/auth/admin/users')).status === 200

    it('makes the account where there is none, once, and leaves rows that say so', async () => {
      const token = await tokenFor('first@example.org')
      const rows = await on.rowsOf(async () => {
        expect((await on.confirm(token, chosen)).status).toBe(200)
        expect((await on.confirm(token, 'a password that comes too late')).status).toBe(400)
      })
      expect(await isAdmin('first@example.org')).toBe(true)
      expect(rows.map(({ event, outcome, reason, details }) => [event, outcome, reason, details])).toEqual([
        ['password_reset', 'success', null, {}],
        ['password_set', 'success', null, {}],
        ['admin_action', 'success', null, { action: 'admin_grant' }],
        ['password_reset', 'failure', 'invalid_token', {}],
      ])
      expect(new Set(rows.map(({ subject }) => subject?.id)).size).toBe(1)
    })

    it('takes an account over: what opened it before does not any more', async () => {
      const { email } = await on.account('owner@example.org')
      const session = await on.session(email)
      const reset = await on.resetToken(email)
      expect((await on.confirm(await tokenFor(email), chosen)).status).toBe(200)
      expect(await on.isIn(session)).toBe(false)
      expect((await on.confirm(reset, 'another good password')).status).toBe(400)
      expect(await on.login(email, password)).toBe(401)
      expect(await isAdmin(email)).toBe(true)
    })

    it('gives a squatter of the address nothing', async () => {
      const email = 'squatted@example.org'
      await on.client().post('/api/auth/signup', { email, password, confirm_password: password })
      const squatters = await on.client().mailedToken(email)
      await on.confirm(await tokenFor(email), chosen)
      expect((await on.client().post('/api/auth/verify-account', { token: squatters })).status).toBe(400)
      expect(await on.login(email, password)).toBe(401)
    })

    it('counts once of many, used by twenty at the same time', async () => {
      const tokens = await Promise.all(Array.from({ length: 20 }, () => tokenFor('race@example.org')))
      const answers = await Promise.all(tokens.map((token, index) => on.confirm(token, `${chosen} number ${index}`)))
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      const winner = answers.findIndex(({ status }) => status === 200)
      expect(await isAdmin('race@example.org', `${chosen} number ${winner}`)).toBe(true)
    })

    it('is kept when the password is refused', async () => {
      const token = await tokenFor('weak@example.org')
      expect((await on.confirm(token, 'short')).json.code).toBe('password_too_short')
      expect((await on.confirm(token, chosen)).status).toBe(200)
    })

    it('is worth nothing when it comes from another secret or server, was changed, or is for a disabled account', async () => {
      const { id, email } = await on.account('gone@example.org')
      await on.sql('update auth_user set disabled_at = now() where id = ?', [id])
      const sound = await tokenFor('eve@example.org')
      const tokens = [
        await tokenFor('eve@example.org', { secret: 'y'.repeat(32) }),
        await tokenFor('eve@example.org', { publicUrl: 'https://other.example' }),
        `${sound.slice(0, -2)}${sound.endsWith('AA') ? 'BB' : 'AA'}`,
        sound.replace(/\.[^.]*$/, '.'),
        await tokenFor(email),
      ]
      for (const token of tokens) {
        const answer = await on.confirm(token, chosen)
        expect([answer.status, answer.json.code]).toEqual([400, 'invalid_token'])
      }
      // REG-06
      const verify = await on.client().post('/api/auth/verify-account', { token: sound })
      expect(verify.status).toBe(400)
      expect((await on.client().get('/api/auth/login-history', { authorization: `Bearer ${sound}` })).status).toBe(401)
      expect(await on.sql("select id from auth_user where email_canonical = 'eve@example.org'")).toEqual([])
    })
  })
}

it('there is no link for what is no address', async () => {
  for (const email of ['', 'ada', 'a@example.org,b@example.org', 'a\r\n@example.org'])
    await expect(tokenFor(email)).rejects.toMatchObject({ code: 'SETTING_INVALID' })
})

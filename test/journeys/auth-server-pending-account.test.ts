import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { places, startSystem, type TestSystem, unlimited } from '../support/auth-systems.js'
import { PasswordJourneys, password, plain } from '../support/password-journeys.js'

const foreign = 'the password of an attacker'
const decomposed = 'cafe\u0301 con leche por favor'

for (const { name, here, make } of places) {
  describe.runIf(here)(`an account that waits for its verification on ${name}`, () => {
    let system: TestSystem
    let on: PasswordJourneys
    beforeAll(async () => {
      system = await startSystem(make, { limits: unlimited })
      on = new PasswordJourneys(() => system)
    })
    afterAll(() => system.close())

    /** Signs up; answers with the token of the mail that this sends. */
    const signUp = async (email: string, typed = password): Promise<string> => {
      await on.client().post('/api/auth/signup', { email, password: typed, confirm_password: typed })
      return on.client().mailedToken(email)
    }
    const verify = (token: string) => on.client().post('/api/auth/verify-account', { token })
    const ofAccount = 'user_id = (select id from auth_user where email_canonical = ?)'
    const both = async (email: string) => [await on.login(email, password), await on.login(email, foreign)]

    it.each([
      ['the newest link, where the attacker signed up last', [password, foreign], 1],
      ['the newest link, where the owner signed up last', [foreign, password], 1],
      ['the first link, where the attacker signed up last', [password, foreign], 0],
      ['the first link, where the owner signed up last', [foreign, password], 0],
      ['the last of three links, the owner having two', [password, foreign, password], 2],
    ])('gets none of two passwords by %s', async (title, typed, used) => {
      const email = `${title.replaceAll(/\W+/g, '-')}@example.org`
      const tokens: string[] = []
      for (const one of typed) tokens.push(await signUp(email, one))
      const rows = await on.rowsOf(async () => {
        const answer = await verify(tokens[used] as string)
        expect(answer.status).toBe(200)
        expect(answer.json.user).toMatchObject({ email, has_password: false })
      })
      expect(rows.map(({ event, outcome }) => `${event} ${outcome}`)).toEqual(['email_verification success'])
      expect(await both(email)).toEqual([401, 401])
      for (const token of tokens) expect((await verify(token)).status).toBe(400)
      expect((await on.confirm(await on.resetToken(email), 'chosen by who has the mailbox')).status).toBe(200)
      expect([await on.login(email, 'chosen by who has the mailbox'), ...(await both(email))]).toEqual([200, 401, 401])
    })

    it.each([
      ['grown old', "expires_at = now() - interval '1 second'"],
      ['ended', 'used_at = now()'],
    ])('gets no password by the only link that lives, where that of another sign-up has %s', async (how, change) => {
      const email = `${how.replace(' ', '-')}@example.org`
      await signUp(email)
      await on.sql(`update auth_one_time_token set ${change} where ${ofAccount}`, [email])
      const answer = await verify(await signUp(email, foreign))
      expect(answer.json.user).toMatchObject({ email, has_password: false })
      expect(await both(email)).toEqual([401, 401])
    })

    it('gets no password of a later sign-up by a link that was repeated before it, and none of its own', async () => {
      const email = 'repeated@example.org'
      await signUp(email)
      await on.client().post('/api/auth/verify-account/resend', { email })
      const repeated = await on.client().mailedToken(email)
      await signUp(email, foreign)
      expect((await verify(repeated)).json.user).toMatchObject({ has_password: false })
      expect(await both(email)).toEqual([401, 401])
    })

    it('gets a password that was chosen twice, in either Unicode form', async () => {
      const email = 'twice@example.org'
      await signUp(email, decomposed)
      const rows = await on.rowsOf(async () => {
        const answer = await verify(await signUp(email, decomposed.normalize('NFC')))
        expect(answer.json.user).toMatchObject({ email, has_password: true })
      })
      expect(rows.map(({ event }) => event)).toEqual(['signup', 'email_verification', 'password_set'])
      expect(await on.login(email, decomposed)).toBe(200)
    })

    it('gets a password that was chosen again after its first link had grown old', async () => {
      const email = 'chosen-again@example.org'
      await signUp(email)
      await on.sql(`update auth_one_time_token set expires_at = now() - interval '1 second' where ${ofAccount}`, [
        email,
      ])
      await on.client().post('/api/auth/verify-account/resend', { email })
      expect((await verify(await signUp(email))).json.user).toMatchObject({ has_password: true })
      expect(await on.login(email, password)).toBe(200)
    })

    it('gets no password by a link that has none, though the only one was chosen again', async () => {
      const email = 'without@example.org'
      await signUp(email, foreign)
      await on.sql(`update auth_one_time_token set expires_at = now() - interval '1 second' where ${ofAccount}`, [
        email,
      ])
      await on.client().post('/api/auth/verify-account/resend', { email })
      const without = await on.client().mailedToken(email)
      await signUp(email, foreign)
      expect((await verify(without)).json.user).toMatchObject({ has_password: false })
      expect(await both(email)).toEqual([401, 401])
    })

    it('is not verified while it is disabled, answered as by a worthless link, and keeps its link', async () => {
      const email = 'disabled@example.org'
      const token = await signUp(email)
      const [user] = await on.sql<{ id: string }>(
        'update auth_user set disabled_at = now() where email_canonical = ? returning id',
        [email],
      )
      const rows = await on.rowsOf(async () => {
        expect(plain(await verify(token))).toBe(plain(await verify('worthless')))
      })
      const refused = { event: 'email_verification', outcome: 'failure', status: 400 }
      expect(rows).toMatchObject([
        { ...refused, reason: 'disabled', subject: { type: 'user', id: user?.id } },
        { ...refused, reason: 'invalid_token', subject: null },
      ])
      expect(rows).toHaveLength(2)
      const [left] = await on.sql('select verified_at from auth_user where email_canonical = ?', [email])
      expect(left).toEqual({ verified_at: null })
      await on.sql('update auth_user set disabled_at = null where email_canonical = ?', [email])
      expect((await verify(token)).json.user).toMatchObject({ has_password: true })
    })
  })
}

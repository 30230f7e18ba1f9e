import { describe, expect, it } from 'vitest'
import { places } from '../support/auth-systems.js'
import { password, passwordJourneys, plain } from '../support/password-journeys.js'

const foreign = 'the password of an attacker'

for (const { name, here, make } of places) {
  describe.runIf(here)(`another verification mail on ${name}`, () => {
    const on = passwordJourneys(make)

    const signUp = (email: string, typed = password) =>
      on.client().post('/api/auth/signup', { email, password: typed, confirm_password: typed })
    const resend = (email: string) => on.client().post('/api/auth/verify-account/resend', { email })
    const verify = (token: string) => on.client().post('/api/auth/verify-account', { token })
    const live = async (email: string) => {
      const [counted] = await on.sql<{ live: number }>(
        `select count(*)::int as live from auth_one_time_token join auth_user on auth_user.id = user_id
         where email_canonical = ? and purpose = 'verify-account' and used_at is null and expires_at > now()`,
        [email],
      )
      return counted?.live
    }

    it('is answered the same for every address, sent to one that waits, and recorded with why not', async () => {
      await signUp('waits@example.org')
      const verified = await on.account('verified@example.org')
      const disabled = await on.account('disabled@example.org')
      await on.sql('update auth_user set disabled_at = now() where id = ?', [disabled.id])
      const mailsBefore = (await on.mails()).length
      const answers: string[] = []
      const rows = await on.rowsOf(async () => {
        for (const email of [' WAITS@example.org', verified.email, disabled.email, 'nobody@example.org', 'no address'])
          answers.push(plain(await resend(email)))
      })
      expect(new Set(answers).size).toBe(1)
      expect(answers[0]).toMatch(/^202 /)
      const anonymous = { type: 'anonymous' }
      const event = 'email_verification_request'
      expect(rows).toMatchObject([
        { event, outcome: 'success', reason: null, status: 202, actor: anonymous, subject: { type: 'user' } },
        { event, outcome: 'failure', reason: 'already_verified', status: 202, subject: { id: verified.id } },
        { event, outcome: 'failure', reason: 'disabled', status: 202, subject: { id: disabled.id } },
        { event, outcome: 'failure', reason: 'unknown_account', status: 202, subject: null },
        { event, outcome: 'failure', reason: 'unknown_account', status: 202, subject: null },
      ])
      expect(rows).toHaveLength(5)
      expect(rows[0]?.attempted?.hash).toBe(on.system.auth.trail.identifierHash('waits@example.org'))
      const mails = await on.mails()
      expect(mails).toHaveLength(mailsBefore + 1)
      expect(mails[0]).toMatchObject({ to: 'waits@example.org', subject: 'Please verify your e-mail address' })
    })

    it('brings the password of the only sign-up into force, and ends the link before it', async () => {
      const email = 'again@example.org'
      await signUp(email)
      const first = await on.client().mailedToken(email)
      await resend(email)
      await resend(email)
      const newest = await on.client().mailedToken(email)
      expect((await verify(first)).status).toBe(400)
      const rows = await on.rowsOf(async () => {
        const answer = await verify(newest)
        expect(answer.json.user).toMatchObject({ email, has_password: true })
      })
      expect(rows.map(({ event, outcome }) => [event, outcome])).toEqual([
        ['email_verification', 'success'],
        ['password_set', 'success'],
      ])
      expect(await on.login(email, password)).toBe(200)
    })

    it.each([
      ['the owner signed up first', [password, foreign]],
      ['the owner signed up last', [foreign, password]],
    ])('brings no password into force when %s and somebody else did, too', async (title, typed) => {
      const email = `${title.replaceAll(' ', '-')}@example.org`
      for (const one of typed) await signUp(email, one)
      await resend(email)
      await resend(email)
      const rows = await on.rowsOf(async () => {
        const answer = await verify(await on.client().mailedToken(email))
        expect(answer.json.user).toMatchObject({ email, has_password: false })
        expect([await on.login(email, password), await on.login(email, foreign)]).toEqual([401, 401])
        expect((await on.confirm(await on.resetToken(email), 'chosen by who has the mailbox')).status).toBe(200)
      })
      expect(rows.map(({ event, outcome }) => `${event} ${outcome}`)).toEqual([
        'email_verification success',
        'login failure',
        'login failure',
        'password_reset_request success',
        'password_reset success',
        'password_set success',
      ])
      expect(await on.login(email, 'chosen by who has the mailbox')).toBe(200)
    })

    it('brings no password into force that was chosen by a sign-up which is too old', async () => {
      const email = 'old@example.org'
      await signUp(email, foreign)
      await on.sql(
        "update auth_one_time_token set expires_at = now() - interval '1 second' where user_id = (select id from auth_user where email_canonical = ?)",
        [email],
      )
      await resend(email)
      expect((await verify(await on.client().mailedToken(email))).json.user).toMatchObject({ has_password: false })
      expect(await on.login(email, foreign)).toBe(401)
    })

    it('leaves the links of a later sign-up as they are', async () => {
      const email = 'later@example.org'
      await signUp(email)
      await resend(email)
      await signUp(email)
      expect(await live(email)).toBe(2)
      expect((await verify(await on.client().mailedToken(email))).status).toBe(200)
      expect(await on.login(email, password)).toBe(200)
    })

    it('does not bring the password of a sign-up that is too old back with a mail after the next one', async () => {
      const email = 'older@example.org'
      await signUp(email, foreign)
      await on.sql(
        "update auth_one_time_token set expires_at = now() - interval '1 second' where user_id = (select id from auth_user where email_canonical = ?)",
        [email],
      )
      await resend(email)
      await resend(email)
      expect((await verify(await on.client().mailedToken(email))).json.user).toMatchObject({ has_password: false })
      expect(await on.login(email, foreign)).toBe(401)
    })

    it('leaves one living link of twelve requests at the same time, and none of a verified account', async () => {
      const email = 'at-once@example.org'
      await signUp(email)
      await Promise.all(Array.from({ length: 12 }, () => resend(email)))
      expect(await live(email)).toBe(1)
      const token = await on.client().mailedToken(email)
      await Promise.all([...Array.from({ length: 4 }, () => resend(email)), verify(token)])
      // Whoever was first: the link was replaced, or the account needs none.
      if ((await live(email)) === 1) expect((await verify(await on.client().mailedToken(email))).status).toBe(200)
      expect(await live(email)).toBe(0)
      expect(await on.login(email, password)).toBe(200)
    })

    it('leaves no password and no token in any row', async () => {
      const text = JSON.stringify(await on.system.rows())
      const tokens = (await on.mails()).flatMap(({ text: mail }) => /token=([\w-]+)/.exec(mail)?.[1] ?? [])
      expect(tokens.length).toBeGreaterThan(10)
      for (const secretText of ['horse', 'attacker', 'mailbox', 'argon2', ...tokens])
        expect(text).not.toContain(secretText)
    })
  })

  describe.runIf(here)(`the limits of verification mails on ${name}`, () => {
    // The limits that a server has unless told.
    const on = passwordJourneys(make, {})

    it('let one be asked for in three minutes, whether or not there is an account', async () => {
      const email = 'limited@example.org'
      await on.client().post('/api/auth/signup', { email, password, confirm_password: password })
      const rows = await on.rowsOf(async () => {
        for (const typed of [email, 'nobody@example.org']) {
          const resend = () => on.client().post('/api/auth/verify-account/resend', { email: typed })
          expect((await resend()).status).toBe(202)
          const again = await resend()
          expect(again.status).toBe(429)
          expect(Number(again.headers.get('retry-after'))).toBeGreaterThan(60)
        }
      })
      const denied = { outcome: 'denied', reason: 'throttled', status: 429, scope: 'verification_mail', limit: 1 }
      expect(rows).toMatchObject([
        { outcome: 'success' },
        { ...denied, actor: { type: 'anonymous' } },
        { outcome: 'failure', reason: 'unknown_account' },
        denied,
      ])
      expect(new Set(rows.map(({ event }) => event))).toEqual(new Set(['email_verification_request']))
    })
  })
}

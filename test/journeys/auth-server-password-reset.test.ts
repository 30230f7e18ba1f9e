import { OneTimeTokens, Secrets } from '@countersign/auth'
import { describe, expect, it } from 'vitest'
import { places, secret, unlimited } from '../support/auth-systems.js'
import { password, passwordJourneys, plain } from '../support/password-journeys.js'

const chosen = 'a sentence that is easy to keep'
const anonymous = { type: 'anonymous' }

for (const { name, here, make } of places) {
  describe.runIf(here)(`a password reset on ${name}`, () => {
    const on = passwordJourneys(make)

    it('leaves exactly one row that names the account, and mails its stored address', async () => {
      const { id, email } = await on.account('one-row@example.org')
      await on.client().post('/api/auth/password-reset', { email: ' ONE-row@EXAMPLE.org' })
      const token = await on.client().mailedToken(email)
      const rows = await on.rowsOf(async () => {
        const answer = await on.confirm(token, chosen)
        expect(answer.status).toBe(200)
        expect(answer.headers.getSetCookie()).toEqual([])
      })
      expect(rows).toHaveLength(1)
      expect(rows[0]).toMatchObject({
        event: 'password_reset',
        outcome: 'success',
        reason: null,
        status: 200,
        actor: anonymous,
        subject: { type: 'user', id },
        className: 'PasswordResetConfirmController',
      })
      expect((await on.mails())[0]).toMatchObject({ to: email, subject: 'Your password was changed' })
    })

    it('ends every session, every access token and the old password', async () => {
      const { id, email } = await on.account('everywhere@example.org')
      const sessions = [await on.session(email), await on.session(email, password, true)]
      expect(await Promise.all(sessions.map((client) => on.isIn(client)))).toEqual([true, true])
      await on.confirm(await on.resetToken(email), chosen)
      expect(await Promise.all(sessions.map((client) => on.isIn(client)))).toEqual([false, false])
      expect([await on.login(email, password), await on.login(email, chosen)]).toEqual([401, 200])
      const [state] = await on.sql(
        `select token_version, (select count(*)::int from auth_session where user_id = ? and ended_at is null) as open
         from auth_user where id = ?`,
        [id, id],
      )
      expect(state).toEqual({ token_version: 1, open: 1 })
    })

    it('leaves no session and no access token of the old password to logins at the same time', async () => {
      const { id, email } = await on.account('meanwhile@example.org')
      const token = await on.resetToken(email)
      const clients = Array.from({ length: 8 }, () => on.client())
      const [answer] = await Promise.all([
        on.confirm(token, chosen),
        ...clients.map((client) => client.post('/api/auth/login', { email, password })),
      ])
      expect(answer.status).toBe(200)
      expect(await Promise.all(clients.map((client) => on.isIn(client)))).toEqual(clients.map(() => false))
      expect(await on.sql('select id from auth_session where user_id = ? and ended_at is null', [id])).toEqual([])
    })

    it('succeeds for one of twenty parallel uses of a token, whose password it is then', async () => {
      const { id, email } = await on.account('parallel@example.org')
      const token = await on.resetToken(email)
      const typed = Array.from({ length: 20 }, (_, index) => `${chosen} ${index}`)
      const rows = await on.rowsOf(async () => {
        const answers = await Promise.all(typed.map((one) => on.confirm(token, one)))
        const winner = answers.findIndex(({ status }) => status === 200)
        expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 19 }, () => 400)])
        expect(await on.login(email, typed[winner] as string)).toBe(200)
        expect(await on.login(email, typed[(winner + 1) % 20] as string)).toBe(401)
      })
      const resets = rows.filter(({ event }) => event === 'password_reset')
      expect(resets).toHaveLength(20)
      expect(resets.filter(({ outcome }) => outcome === 'success')).toHaveLength(1)
      expect(resets.filter(({ reason }) => reason === 'invalid_token')).toHaveLength(19)
      for (const row of resets) expect(row).toMatchObject({ actor: anonymous, subject: { type: 'user', id } })
    })

    it('ends the other outstanding tokens of the account', async () => {
      const { id, email } = await on.account('several@example.org')
      const tokens = new OneTimeTokens(new Secrets(secret))
      const [one, other] = await on.system.auth.database.orm.em
        .fork()
        .transactional(async (em) => [
          await tokens.issue(em, 'password-reset', id),
          await tokens.issue(em, 'password-reset', id),
        ])
      expect((await on.confirm(one as string, chosen)).status).toBe(200)
      expect((await on.confirm(other as string, `${chosen}, again`)).status).toBe(400)
      expect(await on.login(email, chosen)).toBe(200)
    })

    it.each([
      ['is too short', 'fourteen chars', 'fourteen chars', 'password_too_short'],
      ['is too long', 'a'.repeat(257), 'a'.repeat(257), 'password_too_long'],
      ['was typed differently', chosen, `${chosen}.`, 'password_mismatch'],
    ])('refuses a password that %s, and leaves the token as it was', async (_title, typed, again, code) => {
      const { email } = await on.account(`${code}@example.org`)
      const token = await on.resetToken(email)
      const rows = await on.rowsOf(async () => {
        const answer = await on.confirm(token, typed, again)
        expect([answer.status, answer.json.code]).toEqual([400, code])
      })
      expect(rows).toMatchObject([
        { event: 'password_reset', outcome: 'failure', reason: code, status: 400, actor: anonymous },
      ])
      expect(rows).toHaveLength(1)
      expect((await on.confirm(token, chosen)).status).toBe(200)
    })

    it('answers every worthless token the same, changes nothing, and records why', async () => {
      const make = async (email: string) => ({ ...(await on.account(email)), token: await on.resetToken(email) })
      const [used, expired, disabled, unverified] = [
        await make('used@example.org'),
        await make('expired@example.org'),
        await make('disabled@example.org'),
        await make('unverified@example.org'),
      ]
      expect((await on.confirm(used.token, chosen)).status).toBe(200)
      await on.sql("update auth_one_time_token set expires_at = now() - interval '1 second' where user_id = ?", [
        expired.id,
      ])
      await on.sql('update auth_user set disabled_at = now() where id = ?', [disabled.id])
      await on.sql('update auth_user set verified_at = null where id = ?', [unverified.id])
      const versions = () => on.sql('select id, token_version, password_hash from auth_user order by id')
      const before = await versions()

      const answers: string[] = []
      const rows = await on.rowsOf(async () => {
        const tokens = ['x'.repeat(43), used.token, expired.token, disabled.token, unverified.token]
        for (const token of tokens) answers.push(plain(await on.confirm(token, `${chosen}, again`)))
      })
      expect(new Set(answers).size).toBe(1)
      expect(answers[0]).toMatch(/^400 .*"code":"invalid_token"/)
      expect(await versions()).toEqual(before)
      expect(rows.map(({ event, outcome, reason, subject }) => [event, outcome, reason, subject?.id ?? null])).toEqual([
        ['password_reset', 'failure', 'invalid_token', null],
        ['password_reset', 'failure', 'invalid_token', used.id],
        ['password_reset', 'failure', 'invalid_token', expired.id],
        ['password_reset', 'failure', 'disabled', disabled.id],
        ['password_reset', 'failure', 'unverified', unverified.id],
      ])
    })

    it('takes no token of another purpose, and gives none', async () => {
      const email = 'purpose@example.org'
      const client = on.client()
      await client.post('/api/auth/signup', { email, password, confirm_password: password })
      const verification = await client.mailedToken(email)
      const reset = await on.resetToken((await on.account('purpose-two@example.org')).email)
      const rows = await on.rowsOf(async () => {
        expect((await on.confirm(verification, chosen)).json.code).toBe('invalid_token')
        expect((await client.post('/api/auth/verify-account', { token: reset })).json.code).toBe('invalid_token')
      })
      expect(rows.map(({ event, reason }) => [event, reason])).toEqual([
        ['password_reset', 'invalid_token'],
        ['email_verification', 'invalid_token'],
      ])
      expect((await client.post('/api/auth/verify-account', { token: verification })).status).toBe(200)
      expect((await on.confirm(reset, chosen)).status).toBe(200)
    })

    it('gives a first password to an account without one, which is a row of its own, once', async () => {
      const { id, email } = await on.account('first@example.org')
      await on.sql('update auth_user set password_hash = null where id = ?', [id])
      const rows = await on.rowsOf(async () => {
        await on.confirm(await on.resetToken(email), chosen)
        await on.confirm(await on.resetToken(email), `${chosen}, again`)
      })
      const account = { type: 'user', id }
      expect(rows).toMatchObject([
        { event: 'password_reset_request' },
        { event: 'password_reset', outcome: 'success', actor: anonymous, subject: account },
        { event: 'password_set', outcome: 'success', actor: { ...account, label: email }, subject: account },
        { event: 'password_reset_request' },
        { event: 'password_reset', outcome: 'success' },
      ])
      expect(rows).toHaveLength(5)
    })

    it('leaves no password and no token in any row', async () => {
      const text = JSON.stringify(await on.system.rows())
      const tokens = (await on.mails()).flatMap(({ text: mail }) => /token=([\w-]+)/.exec(mail)?.[1] ?? [])
      expect(tokens.length).toBeGreaterThan(10)
      for (const secretText of [password, chosen, 'horse', 'sentence', 'argon2', ...tokens])
        expect(text).not.toContain(secretText)
    })
  })

  describe.runIf(here)(`the limits of a password reset on ${name}`, () => {
    const limits = { ...unlimited, password_reset_confirm: '3/min', login: { failures: '5/5min' } }
    const on = passwordJourneys(make, { limits })

    it('let a new password be tried at once by who failed with the old one too often', async () => {
      const { email } = await on.account('forgetful@example.org')
      const statuses = []
      for (let wrong = 0; wrong < 6; wrong++) statuses.push(await on.login(email, 'wrong'))
      expect(statuses).toEqual([401, 401, 401, 401, 401, 429])
      // A reset that fails opens nothing.
      await on.confirm('x'.repeat(43), chosen)
      expect(await on.login(email, password)).toBe(429)
      expect((await on.confirm(await on.resetToken(email), chosen)).status).toBe(200)
      expect(await on.login(email, chosen)).toBe(200)
    })

    it('deny more attempts from an address than allowed, each with its row', async () => {
      const rows = await on.rowsOf(async () => {
        expect((await on.confirm('x'.repeat(43), chosen)).status).toBe(400)
        const answer = await on.confirm('x'.repeat(43), chosen)
        expect(answer.status).toBe(429)
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
      })
      expect(rows).toMatchObject([
        { event: 'password_reset', outcome: 'failure', reason: 'invalid_token', status: 400 },
        {
          event: 'password_reset',
          outcome: 'denied',
          reason: 'throttled',
          status: 429,
          scope: 'password_reset_confirm',
          limit: 3,
          actor: anonymous,
        },
      ])
      expect(rows).toHaveLength(2)
    })
  })
}

import { describe, expect, it } from 'vitest'
import { places, unlimited } from '../support/auth-systems.js'
import { password, passwordJourneys } from '../support/password-journeys.js'

const chosen = 'a sentence that is easy to keep'
const wrong = 'some other horse battery staple'

for (const { name, here, make } of places) {
  describe.runIf(here)(`a change of the password on ${name}`, () => {
    const on = passwordJourneys(make)

    it('leaves exactly one row of its session, and a mail to the owner', async () => {
      const { id, email } = await on.account('one-row@example.org')
      const client = await on.session(email)
      const rows = await on.rowsOf(async () => {
        const answer = await on.change(client, password, chosen)
        expect(answer.status).toBe(200)
        expect(answer.text).not.toContain(client.cookies.get('at'))
      })
      expect(rows).toHaveLength(1)
      expect(rows[0]).toMatchObject({
        event: 'password_change',
        outcome: 'success',
        reason: null,
        status: 200,
        actor: { type: 'user', id, label: email },
        subject: { type: 'user', id },
        className: 'ChangePasswordController',
      })
      const login = (await on.system.rows()).findLast(({ event, subject }) => event === 'login' && subject?.id === id)
      expect(rows[0]?.sessionId).toBe(login?.sessionId)
      expect((await on.mails())[0]).toMatchObject({ to: email, subject: 'Your password was changed' })
    })

    it('keeps this session with a new cookie, and ends the others and every older token', async () => {
      const { id, email } = await on.account('keep@example.org')
      const [mine, other] = [await on.session(email), await on.session(email)]
      const stolen = on.client()
      stolen.cookies = new Map(mine.cookies)
      const reset = await on.resetToken(email)

      const answer = await on.change(mine, password, chosen)
      expect(answer.headers.getSetCookie()[0]).toMatch(/^at=[\w.-]+; Path=\/; HttpOnly; SameSite=Lax$/)
      expect([await on.isIn(mine), await on.isIn(stolen), await on.isIn(other)]).toEqual([true, false, false])
      expect((await on.confirm(reset, `${chosen}, again`)).json.code).toBe('invalid_token')
      expect([await on.login(email, password), await on.login(email, chosen)]).toEqual([401, 200])
      expect(await on.sql('select token_version from auth_user where id = ?', [id])).toEqual([{ token_version: 1 }])
    })

    it.each([false, true])('makes a session with "remember me" %s no longer and no other', async (remember) => {
      const { id, email } = await on.account(`remember-${remember}@example.org`)
      const client = await on.session(email, password, remember)
      const session = () =>
        on.sql('select id, remember, created_at, expires_at, ended_at from auth_session where user_id = ?', [id])
      const before = await session()
      expect(before).toMatchObject([{ remember, ended_at: null }])
      expect((await on.change(client, password, chosen)).status).toBe(200)
      expect(await session()).toEqual(before)
    })

    it.each([
      ['the current password is wrong', wrong, chosen, chosen, 'wrong_password'],
      ['the new one is the old one', password, password, password, 'password_unchanged'],
      ['the new one is too short', password, 'fourteen chars', 'fourteen chars', 'password_too_short'],
      ['the new one is too long', password, 'a'.repeat(257), 'a'.repeat(257), 'password_too_long'],
      ['the new one was typed differently', password, chosen, `${chosen}.`, 'password_mismatch'],
    ])('is refused when %s, and changes nothing', async (_title, current, typed, again, code) => {
      const { id, email } = await on.account(`${code}@example.org`)
      const [client, other] = [await on.session(email), await on.session(email)]
      const rows = await on.rowsOf(async () => {
        const answer = await on.change(client, current, typed, again)
        expect([answer.status, answer.json.code]).toEqual([400, code])
        expect(answer.headers.getSetCookie()).toEqual([])
      })
      expect(rows).toMatchObject([
        { event: 'password_change', outcome: 'failure', reason: code, status: 400, actor: { id, label: email } },
      ])
      expect(rows).toHaveLength(1)
      expect([await on.isIn(client), await on.isIn(other), await on.login(email, password)]).toEqual([true, true, 200])
    })

    it('is refused when the new password is the old one in another Unicode form', async () => {
      const [composed, decomposed] = ['caf\u00e9 con leche por favor', 'cafe\u0301 con leche por favor']
      await on.client().signUpAndVerify('cafe@example.org', composed)
      const client = await on.session('cafe@example.org', composed)
      expect((await on.change(client, composed, decomposed)).json.code).toBe('password_unchanged')
    })

    it.each([
      ['no current password', { password: chosen, confirm_password: chosen }],
      ['a current password that is no text', { current_password: [], password: chosen, confirm_password: chosen }],
    ])('is refused with %s, and leaves one row', async (title, body) => {
      const { id, email } = await on.account(`body-${title.length}@example.org`)
      const client = await on.session(email)
      const rows = await on.rowsOf(async () =>
        expect((await client.post('/api/auth/change-password', body)).status).toBe(400),
      )
      expect(rows).toMatchObject([{ event: 'password_change', outcome: 'failure', status: 400, actor: { id } }])
      expect(rows).toHaveLength(1)
    })

    it('is denied to nobody, and to a page of another site', async () => {
      const { id, email } = await on.account('foreign@example.org')
      const client = await on.session(email)
      const body = { current_password: password, password: chosen, confirm_password: chosen }
      const rows = await on.rowsOf(async () => {
        expect((await on.client().post('/api/auth/change-password', body)).status).toBe(401)
        const foreign = { origin: 'https://evil.example' }
        expect((await client.post('/api/auth/change-password', body, foreign)).status).toBe(403)
        const site = { 'sec-fetch-site': 'cross-site' }
        expect((await client.post('/api/auth/change-password', body, site)).status).toBe(403)
      })
      const event = 'password_change'
      expect(rows).toMatchObject([
        { event, outcome: 'denied', reason: 'unauthenticated', status: 401, actor: { type: 'anonymous' } },
        { event, outcome: 'denied', reason: 'csrf', status: 403, actor: { id } },
        { event, outcome: 'denied', reason: 'csrf', status: 403, actor: { id } },
      ])
      expect(rows).toHaveLength(3)
      expect(await on.login(email, password)).toBe(200)
    })

    it('succeeds for one of several sessions at the same time, which alone goes on', async () => {
      const { email } = await on.account('parallel@example.org')
      const clients = await Promise.all(Array.from({ length: 8 }, () => on.session(email)))
      const rows = await on.rowsOf(async () => {
        const changes = clients.map((client, index) => on.change(client, password, `${chosen} ${index}`))
        const statuses = (await Promise.all(changes)).map(({ status }) => status)
        const winner = statuses.indexOf(200)
        expect(statuses.filter((status) => status === 200)).toHaveLength(1)
        expect(await Promise.all(clients.map((client) => on.isIn(client)))).toEqual(
          clients.map((_, index) => index === winner),
        )
        expect(await on.login(email, `${chosen} ${winner}`)).toBe(200)
      })
      const changes = rows.filter(({ event }) => event === 'password_change')
      expect(changes).toHaveLength(8)
      expect(changes.filter(({ outcome }) => outcome === 'success')).toHaveLength(1)
    })

    it('of two at the same time with a reset leaves one password, and no session of the other', async () => {
      for (let round = 0; round < 5; round++) {
        const { email } = await on.account(`against-reset-${round}@example.org`)
        const client = await on.session(email)
        const token = await on.resetToken(email)
        const [changed, reset] = await Promise.all([
          on.change(client, password, `${chosen}, changed`),
          on.confirm(token, `${chosen}, reset`),
        ])
        expect([changed.status, reset.status].filter((status) => status === 200)).toHaveLength(1)
        const isReset = reset.status === 200
        expect(await on.isIn(client)).toBe(!isReset)
        expect(await on.login(email, isReset ? `${chosen}, reset` : `${chosen}, changed`)).toBe(200)
      }
    })

    it('leaves no password and no token in any row', async () => {
      const text = JSON.stringify(await on.system.rows())
      for (const secretText of ['horse', 'sentence', 'fourteen', 'café', 'argon2', 'eyJ'])
        expect(text).not.toContain(secretText)
    })
  })

  describe.runIf(here)(`the limits of a change of the password on ${name}`, () => {
    const limits = { ...unlimited, change_password: { address: '40/min', failures: '5/5min' } }
    const on = passwordJourneys(make, { limits })

    it('let five wrong current passwords of an account be tried, by twenty at the same time from two sessions', async () => {
      const { id, email } = await on.account('guessed@example.org')
      const clients = [await on.session(email), await on.session(email)]
      const rows = await on.rowsOf(async () => {
        const tries = Array.from({ length: 20 }, (_, index) =>
          on.change(clients[index % 2] as (typeof clients)[number], `${wrong} ${index}`, chosen),
        )
        const statuses = (await Promise.all(tries)).map(({ status }) => status)
        expect(statuses.filter((status) => status === 400)).toHaveLength(5)
        expect(statuses.filter((status) => status === 429)).toHaveLength(15)
        // Also the right one has to wait; another account does not.
        expect((await on.change(await on.session(email), password, chosen)).status).toBe(429)
        const { email: bystander } = await on.account('bystander@example.org')
        expect((await on.change(await on.session(bystander), password, chosen)).status).toBe(200)
      })
      const denied = rows.filter(({ event, outcome }) => event === 'password_change' && outcome === 'denied')
      expect(denied).toHaveLength(16)
      for (const row of denied) {
        expect(row).toMatchObject({ reason: 'throttled', status: 429, scope: 'change_password', limit: 5 })
        expect(row).toMatchObject({ actor: { id, label: email } })
      }
    })

    it('forget the failures after a success', async () => {
      const { email } = await on.account('clumsy@example.org')
      const client = await on.session(email)
      for (let failure = 0; failure < 4; failure++) await on.change(client, wrong, chosen)
      expect((await on.change(client, password, chosen)).status).toBe(200)
      for (let failure = 0; failure < 4; failure++) expect((await on.change(client, wrong, password)).status).toBe(400)
      expect((await on.change(client, chosen, password)).status).toBe(200)
    })

    it('deny what comes too often from an address, before it is known who asks', async () => {
      const rows = await on.rowsOf(async () => {
        let status = 0
        for (let tried = 0; tried < 40 && status !== 429; tried++)
          status = (await on.change(on.client(), wrong, chosen)).status
        expect(status).toBe(429)
      })
      expect(rows.at(-1)).toMatchObject({
        event: 'password_change',
        outcome: 'denied',
        reason: 'throttled',
        scope: 'change_password',
        limit: 40,
        actor: { type: 'anonymous' },
      })
    })
  })
}

import { describe, expect, it } from 'vitest'
import type { Answer, AuthClient } from '../support/auth-client.js'
import { places, unlimited } from '../support/auth-systems.js'
import { password, passwordJourneys, plain } from '../support/password-journeys.js'

const chosen = 'a sentence that is easy to keep'
const anonymous = { type: 'anonymous' }

for (const { name, here, make } of places) {
  describe.runIf(here)(`a change of the e-mail address on ${name}`, () => {
    const on = passwordJourneys(make)
    const ask = (client: AuthClient, new_email: string, typed = password): Promise<Answer> =>
      client.post('/api/auth/change-email', { new_email, password: typed })
    const confirm = (token: string) => on.client().post('/api/auth/change-email-confirm', { token })
    const undo = (token: string) => on.client().post('/api/auth/change-email-undo', { token })
    const emailOf = async (id: string) =>
      (await on.sql<{ email: string }>('select email from auth_user where id = ?', [id]))[0]?.email
    const mailsTo = async (email: string) => (await on.mails()).filter(({ to }) => to === email)

    // EML-02, EML-03, EML-12
    it('changes nothing when it is asked for, mails a link to the new address and a notice to the old one', async () => {
      const { id, email } = await on.account('asked@example.org')
      const client = await on.session(email)
      const rows = await on.rowsOf(async () => {
        const answer = await ask(client, ' Asked-New@example.org ')
        expect([answer.status, answer.json]).toEqual([202, { detail: expect.stringContaining('If this address') }])
      })
      expect(rows).toMatchObject([
        {
          event: 'email_change_request',
          outcome: 'success',
          status: 202,
          actor: { type: 'user', id, label: email },
          subject: { type: 'user', id },
          attempted: { masked: 'a***@e***.org' },
        },
      ])
      expect(rows).toHaveLength(1)
      const [link] = await mailsTo('Asked-New@example.org')
      expect(link).toMatchObject({ subject: 'Confirm your new e-mail address' })
      expect(link?.text).toMatch(/change-email-confirm\?token=[\w-]{43}\n/)
      expect(link?.text).not.toMatch(/asked/i)
      const [notice] = await mailsTo(email)
      expect(notice).toMatchObject({ subject: 'Your e-mail address is about to be changed' })
      expect(notice?.text).toMatch(/7 days.*change-email-undo\?token=[\w-]{43}\n/s)
      expect(await emailOf(id)).toBe(email)
      expect([await on.isIn(client), await on.login(email, password)]).toEqual([true, 200])
      expect((await on.client().post('/api/auth/password-reset', { email })).status).toBe(202)
      expect((await mailsTo(email))[0]?.subject).toBe('Reset your password')
    })

    // EML-08, RST-05, RFT-09
    it('takes effect when it is confirmed, and ends every session and every other token', async () => {
      const { id, email } = await on.account('old@example.org')
      const client = await on.session(email)
      await ask(client, 'New@example.org')
      const reset = await on.resetToken(email)
      const token = await on.client().mailedToken('New@example.org')
      const rows = await on.rowsOf(async () => {
        const answer = await confirm(token)
        expect([answer.status, answer.headers.getSetCookie()]).toEqual([200, []])
      })
      expect(rows).toMatchObject([
        {
          event: 'email_change',
          outcome: 'success',
          actor: anonymous,
          subject: { type: 'user', id },
          attempted: { hash: on.system.auth.trail.identifierHash('new@example.org'), masked: 'n***@e***.org' },
          details: { from: 'o***@e***.org' },
        },
      ])
      expect(rows).toHaveLength(1)
      expect(await on.isIn(client)).toBe(false)
      expect((await client.post('/api/auth/refresh')).status).toBe(401)
      expect([await on.login(email, password), await on.login('new@example.org', password)]).toEqual([401, 200])
      expect((await on.confirm(reset, chosen)).json.code).toBe('invalid_token')
      expect((await mailsTo(email))[0]).toMatchObject({ subject: 'Your e-mail address was changed' })
      expect((await mailsTo('New@example.org'))[0]).toMatchObject({
        subject: 'This is the address of your account now',
      })
      expect(await on.sql('select token_version from auth_user where id = ?', [id])).toEqual([{ token_version: 1 }])
      expect((await confirm(token)).json.code).toBe('invalid_token')
    })

    // EML-01
    it('is refused without a session, with a wrong password, and to a page of another site', async () => {
      const { email } = await on.account('refused@example.org')
      const client = await on.session(email)
      const body = { new_email: 'refused-new@example.org', password }
      const rows = await on.rowsOf(async () => {
        expect((await ask(on.client(), body.new_email)).status).toBe(401)
        const wrong = await ask(client, body.new_email, chosen)
        expect([wrong.status, wrong.json.code]).toEqual([400, 'wrong_password'])
        expect((await client.post('/api/auth/change-email', { new_email: body.new_email })).status).toBe(400)
        const foreign = await client.post('/api/auth/change-email', body, { origin: 'https://evil.example' })
        expect(foreign.status).toBe(403)
      })
      expect(rows.map(({ event, outcome, reason }) => [event, outcome, reason])).toEqual([
        ['email_change_request', 'denied', 'unauthenticated'],
        ['email_change_request', 'failure', 'wrong_password'],
        ['email_change_request', 'failure', 'validation_failed'],
        ['email_change_request', 'denied', 'csrf'],
      ])
      expect(await mailsTo(body.new_email)).toEqual([])
    })

    // EML-11
    it.each([
      ['same@example.org', 'email_unchanged'],
      [' SAME@Example.org', 'email_unchanged'],
      ['a@example.org,b@example.org', 'invalid_email'],
      ['"a@example.org"@evil.example', 'invalid_email'],
      ['\uff41@example.org', 'invalid_email'],
    ])('to %j is refused and changes nothing', async (typed, code) => {
      const email = 'same@example.org'
      if ((await on.sql('select 1 from auth_user where email_canonical = ?', [email])).length === 0)
        await on.account(email)
      const client = await on.session(email)
      const before = (await on.mails()).length
      const answer = await ask(client, typed)
      expect([answer.status, answer.json.code]).toEqual([400, code])
      expect((await on.mails()).length).toBe(before)
    })

    it('answers the same for a taken address, tells its owner, and gives no link', async () => {
      const { email } = await on.account('asker@example.org')
      const { email: taken } = await on.account('taken@example.org')
      const client = await on.session(email)
      const rows = await on.rowsOf(async () => {
        const [free, refused] = [await ask(client, 'free@example.org'), await ask(client, taken)]
        expect(plain(refused)).toBe(plain(free))
      })
      expect(rows.map(({ outcome, reason }) => [outcome, reason])).toEqual([
        ['success', null],
        ['failure', 'already_registered'],
      ])
      expect((await mailsTo(taken))[0]).toMatchObject({ subject: 'You have an account already' })
      // The notice comes either way: the old mailbox is the asker's, and must not tell.
      expect(await mailsTo(email)).toHaveLength(3)
    })

    // EML-05
    it('of two requests follows the latest', async () => {
      const { id, email } = await on.account('twice@example.org')
      const client = await on.session(email)
      await ask(client, 'first@example.org')
      const first = await on.client().mailedToken('first@example.org')
      await ask(client, 'second@example.org')
      expect((await confirm(first)).json.code).toBe('invalid_token')
      expect((await confirm(await on.client().mailedToken('second@example.org'))).status).toBe(200)
      expect(await emailOf(id)).toBe('second@example.org')
    })

    // EML-07
    it('fails as any worthless link when somebody has the address by then', async () => {
      const { id, email } = await on.account('late@example.org')
      const wanted = 'wanted@example.org'
      await ask(await on.session(email), wanted)
      const token = await on.client().mailedToken(wanted)
      await on.account(wanted)
      const rows = await on.rowsOf(async () => {
        expect(plain(await confirm(token))).toBe(plain(await confirm('x'.repeat(43))))
      })
      expect(rows.map(({ reason }) => reason)).toEqual(['already_registered', 'invalid_token'])
      expect([await emailOf(id), await on.login(email, password)]).toEqual([email, 200])
    })

    it('of two accounts to one address at the same time gives it to one', async () => {
      const accounts = [await on.account('one@example.org'), await on.account('two@example.org')]
      const tokens = []
      for (const { email } of accounts) {
        await ask(await on.session(email), 'both@example.org')
        tokens.push(await on.client().mailedToken('both@example.org'))
      }
      const statuses = (await Promise.all(tokens.map(confirm))).map(({ status }) => status)
      expect(statuses.sort()).toEqual([200, 400])
    })

    it('succeeds for one of twenty parallel uses of its link', async () => {
      const { email } = await on.account('parallel@example.org')
      await ask(await on.session(email), 'parallel-new@example.org')
      const token = await on.client().mailedToken('parallel-new@example.org')
      const answers = await Promise.all(Array.from({ length: 20 }, () => confirm(token)))
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      expect(answers.filter(({ status }) => status === 400)).toHaveLength(19)
    })

    it.each(['change of the password', 'reset'])('that waits is given up by a %s', async (how) => {
      const { email } = await on.account(`given-${how.length}@example.org`)
      const client = await on.session(email)
      await ask(client, `given-new-${how.length}@example.org`)
      if (how === 'reset') await on.confirm(await on.resetToken(email), chosen)
      else await on.change(client, password, chosen)
      const token = await on.client().mailedToken(`given-new-${how.length}@example.org`)
      expect((await confirm(token)).json.code).toBe('invalid_token')
    })

    it('is worth nothing when its link is too old, or the account was disabled', async () => {
      const made = async (email: string) => {
        const { id } = await on.account(email)
        await ask(await on.session(email), `new-${email}`)
        return { id, token: await on.client().mailedToken(`new-${email}`) }
      }
      const [old, disabled] = [await made('expired@example.org'), await made('disabled@example.org')]
      await on.sql("update auth_one_time_token set expires_at = now() - interval '1 second' where user_id = ?", [
        old.id,
      ])
      await on.sql('update auth_user set disabled_at = now() where id = ?', [disabled.id])
      const rows = await on.rowsOf(async () => {
        expect(plain(await confirm(old.token))).toBe(plain(await confirm(disabled.token)))
      })
      expect(rows.map(({ reason }) => reason)).toEqual(['invalid_token', 'disabled'])
    })

    // EML-10
    it('changes nothing when its links are opened', async () => {
      const { id, email } = await on.account('opened@example.org')
      await ask(await on.session(email), 'opened-new@example.org')
      const [token, back] = [
        await on.client().mailedToken('opened-new@example.org'),
        await on.client().mailedToken(email),
      ]
      const rows = await on.rowsOf(async () => {
        for (const path of [`change-email-confirm?token=${token}`, `change-email-undo?token=${back}`]) {
          const opened = await on.client().get(`/api/auth/${path}`, { purpose: 'prefetch' })
          expect([opened.status, opened.headers.get('content-type')]).toEqual([
            200,
            expect.stringMatching(/^text.html/),
          ])
          expect((await on.client().request(`/api/auth/${path}`, { method: 'HEAD' })).status).toBe(200)
        }
      })
      expect(rows).toEqual([])
      expect(await emailOf(id)).toBe(email)
      expect((await confirm(token)).status).toBe(200)
    })

    it('leaves no password and no token in any row', async () => {
      const text = JSON.stringify(await on.system.rows())
      const tokens = (await on.mails()).flatMap(({ text: mail }) => /token=([\w-]+)/.exec(mail)?.[1] ?? [])
      expect(tokens.length).toBeGreaterThan(10)
      for (const secretText of ['horse', 'sentence', 'argon2', ...tokens]) expect(text).not.toContain(secretText)
    })

    // EML-09
    it('is taken back from the old address: without sessions, and without a password until a reset', async () => {
      const { id, email } = await on.account('mine@example.org')
      await ask(await on.session(email), 'thief@example.org')
      const back = await on.client().mailedToken(email)
      await confirm(await on.client().mailedToken('thief@example.org'))
      const thief = await on.session('thief@example.org')
      const rows = await on.rowsOf(async () => expect((await undo(back)).status).toBe(200))
      expect(rows).toMatchObject([
        {
          event: 'email_change_undo',
          outcome: 'success',
          actor: anonymous,
          subject: { id },
          details: { from: 't***@e***.org' },
        },
      ])
      expect(rows).toHaveLength(1)
      expect([await emailOf(id), await on.isIn(thief)]).toEqual([email, false])
      for (const known of [email, 'thief@example.org']) expect(await on.login(known, password)).toBe(401)
      const [mail] = await mailsTo(email)
      expect(mail).toMatchObject({ subject: 'Your account has this address again' })
      expect((await on.confirm(/token=([\w-]+)/.exec(mail?.text ?? '')?.[1] ?? '', chosen)).status).toBe(200)
      expect(await on.login(email, chosen)).toBe(200)
      expect((await undo(back)).json.code).toBe('invalid_token')
    })

    it('is taken back before it is confirmed, too', async () => {
      const { id, email } = await on.account('early@example.org')
      const client = await on.session(email)
      await ask(client, 'early-new@example.org')
      expect((await undo(await on.client().mailedToken(email))).status).toBe(200)
      const token = await on.client().mailedToken('early-new@example.org')
      expect((await confirm(token)).json.code).toBe('invalid_token')
      expect([await emailOf(id), await on.isIn(client), await on.login(email, password)]).toEqual([email, false, 401])
    })

    it('is taken back by the first owner whatever the thief did since', async () => {
      const { id, email } = await on.account('first-owner@example.org')
      await ask(await on.session(email), 'thief-one@example.org')
      const back = await on.client().mailedToken(email)
      await confirm(await on.client().mailedToken('thief-one@example.org'))
      await ask(await on.session('thief-one@example.org'), 'thief-two@example.org')
      const thiefs = await on.client().mailedToken('thief-one@example.org')
      await confirm(await on.client().mailedToken('thief-two@example.org'))
      await on.client().post('/api/auth/signup', { email, password, confirm_password: password })
      expect((await undo(thiefs)).status).toBe(200)
      expect((await undo(back)).status).toBe(200)
      expect([await emailOf(id), (await undo(thiefs)).json.code]).toEqual([email, 'invalid_token'])
    })
  })

  describe.runIf(here)(`the limit of such changes on ${name}`, () => {
    const on = passwordJourneys(make, { limits: { ...unlimited, change_email: { identifier: '2/h' } } })

    it('lets an account have strangers written to twice', async () => {
      const { email } = await on.account('limited@example.org')
      const client = await on.session(email)
      const statuses = []
      for (let asked = 0; asked < 3; asked++)
        statuses.push(
          (await client.post('/api/auth/change-email', { new_email: `x${asked}@example.org`, password })).status,
        )
      expect(statuses).toEqual([202, 202, 429])
    })
  })
}

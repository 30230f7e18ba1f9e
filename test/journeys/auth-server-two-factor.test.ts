import { describe, expect, it } from 'vitest'
import { places } from '../support/auth-systems.js'
import { wrongCode } from '../support/authenticator.js'
import { password, plain } from '../support/password-journeys.js'
import { told, twoFactorJourneys } from '../support/two-factor-journeys.js'

for (const { name, here, make } of places) {
  describe.runIf(here)(`a second factor on ${name}`, () => {
    const on = twoFactorJourneys(make)

    it('is offered as a secret of 160 bits, its address and two pictures, to nobody else and for no cache', async () => {
      const { email } = await on.account('offered@example.org')
      const client = await on.session(email)
      const answer = await client.post('/api/auth/2fa/setup')
      expect(answer.status).toBe(200)
      // MFA-17
      expect(answer.headers.get('cache-control')).toBe('no-store')
      const { secret, otpauth_uri, qr_svg, qr_code } = answer.json
      // MFA-22
      expect(secret).toMatch(/^[A-Z2-7]{32}$/)
      expect(otpauth_uri).toBe(
        `otpauth://totp/Countersign:${encodeURIComponent(email)}?secret=${secret}&issuer=Countersign`,
      )
      expect(qr_svg).toMatch(/^<svg [\s\S]*<\/svg>\s*$/)
      expect(qr_code).toMatch(/^data:image\/png;base64,iVBOR[\w+/=]+$/)
      const bare = await client.request('/api/auth/2fa/setup', { method: 'POST' })
      expect([bare.status, bare.json.secret === secret]).toEqual([200, false])
      expect((await on.client().post('/api/auth/2fa/setup')).status).toBe(401)
    })

    it('counts from its first code on: of the secret that was offered last, and of no other', async () => {
      const { id, email } = await on.account('confirmed@example.org')
      const client = await on.session(email)
      expect(told(await client.post('/api/auth/2fa/enable', { code: '000000' }))).toBe('400 setup_required')
      const first = (await client.post('/api/auth/2fa/setup')).json.secret
      const second = (await client.post('/api/auth/2fa/setup')).json.secret
      expect(await on.login(email, password)).toBe(200)
      // MFA-15
      expect(told(await client.post('/api/auth/2fa/enable', { code: on.code(first) }))).toBe('400 invalid_totp')
      const rows = await on.rowsOf(async () => {
        const answer = await client.post('/api/auth/2fa/enable', { code: on.code(second) })
        expect(answer.status).toBe(200)
        expect(answer.headers.get('cache-control')).toBe('no-store')
        expect(answer.json.backup_codes).toHaveLength(10)
      })
      const account = { type: 'user', id }
      expect(rows).toMatchObject([
        { event: 'two_factor_enable', outcome: 'success', status: 200, actor: { ...account, label: email } },
      ])
      expect(rows).toHaveLength(1)
      expect((await on.mails())[0]).toMatchObject({ to: email, subject: 'Your account has a second factor' })
      for (const path of ['setup', 'enable']) {
        const answer = await client.post(`/api/auth/2fa/${path}`, path === 'enable' ? { code: on.code(second) } : {})
        expect(told(answer)).toBe('400 two_factor_already_enabled')
        // MFA-17
        expect(answer.text).not.toContain(second)
      }
    })

    it('ends every other session when it is switched on, and its own goes on with fresh tokens', async () => {
      const { email } = await on.account('elsewhere@example.org')
      const [client, elsewhere] = [await on.session(email), await on.session(email, password, true)]
      const before = new Map(client.cookies)
      const { secret } = (await client.post('/api/auth/2fa/setup')).json
      expect((await client.post('/api/auth/2fa/enable', { code: on.code(secret) })).status).toBe(200)
      expect([await on.isIn(client), await on.isIn(elsewhere)]).toEqual([true, false])
      expect(client.cookies.get('at')).not.toBe(before.get('at'))
      // MFA-14, RFT-09
      expect((await elsewhere.post('/api/auth/refresh', {}, { origin: on.system.url })).status).toBe(401)
      client.cookies = before
      expect(await on.isIn(client)).toBe(false)
    })

    it('makes a login wait for a code, without any token of a session', async () => {
      const { id, email, secret } = await on.secured('waits@example.org')
      const client = on.client()
      const rows = await on.rowsOf(async () => {
        const answer = await client.post('/api/auth/login', { email, password })
        expect([answer.status, Object.keys(answer.json).sort()]).toEqual([200, ['requires_2fa', 'session_token']])
        expect([...client.cookies.keys()]).toEqual(['2fa'])
        expect(answer.headers.getSetCookie()[0]).toMatch(
          /^2fa=[\w-]{43}; Max-Age=300; Path=\/; .*HttpOnly; SameSite=Strict$/,
        )
        expect(await on.isIn(client)).toBe(false)
        const token = answer.json.session_token
        const completed = await on.verify({ client, token }, on.code(secret))
        expect([completed.status, completed.json.user.email]).toEqual([200, email])
        expect(completed.json).not.toHaveProperty('backup_codes_remaining')
        expect([...client.cookies.keys()].sort()).toEqual(['at', 'device', 'rt'])
        expect(await on.isIn(client)).toBe(true)
      })
      const account = { type: 'user', id }
      expect(rows).toMatchObject([
        { event: 'login', outcome: 'failure', reason: 'two_factor_required', status: 200, subject: account },
        { event: 'two_factor_challenge', outcome: 'success', actor: account, details: { factor: 'totp' } },
        { event: 'login', outcome: 'success', actor: account, details: { method: 'totp', remember: false } },
      ])
    })

    it('is demanded of a login by bearer tokens as well', async () => {
      const { email, secret } = await on.secured('bearer@example.org')
      const client = on.client()
      const answer = await client.post('/api/auth/token', { email, password })
      // MFA-14
      expect([answer.status, Object.keys(answer.json).sort()]).toEqual([200, ['requires_2fa', 'session_token']])
      expect(client.cookies.size).toBe(0)
      const completed = await on.verify({ client: on.client(), token: answer.json.session_token }, on.code(secret))
      expect(completed.status).toBe(200)
      expect(completed.headers.getSetCookie()).toEqual([])
      expect(completed.json).toMatchObject({ access: expect.any(String), refresh: expect.any(String) })
    })

    it('is offered for a login of minutes ago, or for the password', async () => {
      const { id, email } = await on.account('stolen@example.org')
      const client = await on.session(email)
      await on.sql("update auth_session set authenticated_at = now() - interval '6 minutes' where user_id = ?", [id])
      // MFA-16
      const rows = await on.rowsOf(async () => {
        expect(told(await client.post('/api/auth/2fa/setup'))).toBe('403 reauthentication_required')
        expect(told(await client.post('/api/auth/2fa/setup', { password: 'wrong' }))).toBe('400 wrong_password')
        expect(told(await client.post('/api/auth/2fa/setup', { password }))).toBe('200 ok')
      })
      expect(rows.map(({ event, outcome, reason }) => [event, outcome, reason])).toEqual([
        ['two_factor_setup', 'denied', 'reauthentication_required'],
        ['two_factor_setup', 'failure', 'wrong_password'],
        ['two_factor_setup', 'success', null],
      ])
    })

    it('is not offered to who has not verified the address, and not confirmed after fifteen minutes', async () => {
      const { id, email } = await on.account('unverified@example.org')
      const client = await on.session(email)
      const { secret } = (await client.post('/api/auth/2fa/setup')).json
      await on.sql("update auth_second_factor set offered_at = now() - interval '16 minutes' where user_id = ?", [id])
      expect(told(await client.post('/api/auth/2fa/enable', { code: on.code(secret) }))).toBe('400 setup_required')
      await on.sql('update auth_user set verified_at = null where id = ?', [id])
      // MFA-20
      expect(told(await client.post('/api/auth/2fa/setup'))).toBe('403 email_not_verified')
    })

    it('is switched off by the password and a code together, and nothing of it is kept', async () => {
      const { id, email, secret, codes, client } = await on.secured('off@example.org')
      const elsewhere = on.client()
      await on.verify({ ...(await on.pending(email)), client: elsewhere }, '000000')
      const disable = (body: object) => client.post('/api/auth/2fa/disable', body)
      // MFA-18
      expect(told(await disable({ password }))).toBe('400 validation_failed')
      expect(told(await disable({ code: on.code(secret) }))).toBe('400 validation_failed')
      expect(told(await disable({ password: 'wrong', code: on.code(secret) }))).toBe('400 wrong_password')
      expect(told(await disable({ password, code: wrongCode(secret) }))).toBe('400 invalid_totp')
      const rows = await on.rowsOf(async () => {
        expect(told(await disable({ password, code: on.code(secret) }))).toBe('200 ok')
      })
      expect(rows).toMatchObject([{ event: 'two_factor_disable', outcome: 'success', actor: { type: 'user', id } }])
      expect((await on.mails())[0]).toMatchObject({ to: email, subject: 'Your account has no second factor any more' })
      expect(await on.sql('select user_id from auth_second_factor where user_id = ?', [id])).toEqual([])
      expect(await on.sql('select user_id from auth_backup_code where user_id = ?', [id])).toEqual([])
      expect(await on.isIn(client)).toBe(true)
      expect(await on.isIn(await on.session(email))).toBe(true)
      expect(told(await disable({ password, code: codes[0] }))).toBe('400 two_factor_not_enabled')
      expect(told(await client.get('/api/auth/2fa/backup-codes'))).toBe('400 two_factor_not_enabled')
      expect(told(await client.post('/api/auth/2fa/backup-codes', { password }))).toBe('400 two_factor_not_enabled')
    })

    it('is switched off by a backup code in the place of the authenticator', async () => {
      const { codes, client } = await on.secured('lost-phone@example.org')
      // MFA-18
      expect(told(await client.post('/api/auth/2fa/disable', { password, code: codes[3] }))).toBe('200 ok')
    })

    it('is taken away by an administrator, with every session and every login that waits', async () => {
      const { id, email, codes, client } = await on.secured('helped@example.org')
      const waiting = await on.pending(email)
      const { twoFactor } = on.system.auth.services
      expect([await twoFactor.reset(id), await twoFactor.reset(id)]).toEqual([true, false])
      expect(await on.isIn(client)).toBe(false)
      expect(told(await on.verify(waiting, codes[0]))).toBe('401 session_expired')
      expect(await on.isIn(await on.session(email))).toBe(true)
    })

    it('answers every login that can not be completed the same, and records why', async () => {
      const make = async (email: string) => ({ ...(await on.secured(email)), ...(await on.pending(email)) })
      const [used, old, foreign, disabled, changed] = [
        await make('used@example.org'),
        await make('old@example.org'),
        await make('foreign@example.org'),
        await make('disabled@example.org'),
        await make('changed@example.org'),
      ]
      expect((await on.verify(used, used.codes[0])).status).toBe(200)
      await on.forget(used.id)
      await on.sql("update auth_short_lived set expires_at = now() where value like '%' || ? || '%'", [old.id])
      await on.sql('update auth_user set disabled_at = now() where id = ?', [disabled.id])
      await on.sql('update auth_user set token_version = token_version + 1 where id = ?', [changed.id])
      const answers: string[] = []
      const rows = await on.rowsOf(async () => {
        const forged = { client: on.client(), token: 'x'.repeat(43) }
        // ENU-12
        for (const login of [forged, used, old, { ...foreign, client: on.client() }, disabled, changed]) {
          const { secret } = { secret: foreign.secret, ...login }
          answers.push(plain(await on.verify(login, on.code(secret))))
        }
      })
      expect(new Set(answers).size).toBe(1)
      expect(answers[0]).toMatch(/^401 .*"code":"session_expired"/)
      expect(rows.map(({ event, outcome, reason, subject }) => [event, outcome, reason, subject?.id])).toEqual([
        ['two_factor_challenge', 'failure', 'session_expired', undefined],
        ['two_factor_challenge', 'failure', 'session_expired', undefined],
        ['two_factor_challenge', 'failure', 'session_expired', undefined],
        ['two_factor_challenge', 'failure', 'wrong_browser', foreign.id],
        ['two_factor_challenge', 'failure', 'disabled', disabled.id],
        ['two_factor_challenge', 'failure', 'account_changed', changed.id],
      ])
    })

    it('leaves no secret and no code in the database, in any row or in any mail', async () => {
      const { id, secret, codes } = await on.secured('sealed@example.org')
      const [kept] = await on.sql<{ secret: string }>('select secret from auth_second_factor where user_id = ?', [id])
      expect(kept?.secret).toMatch(/^[\w-]{80,}$/)
      const hashes = await on.sql('select code_hash from auth_backup_code')
      const text = JSON.stringify([await on.system.rows(), await on.mails(), kept, hashes])
      for (const hidden of [secret, Buffer.from(secret).toString('base64url'), ...codes])
        expect(text).not.toContain(hidden)
    })

    it('is of its account only: sealed for another one it does not open', async () => {
      const [one, other] = [await on.secured('one@example.org'), await on.secured('other@example.org')]
      await on.sql(
        'update auth_second_factor set secret = (select secret from auth_second_factor where user_id = ?) where user_id = ?',
        [one.id, other.id],
      )
      expect((await on.verified(other.email, on.code(one.secret))).status).toBe(500)
      expect((await on.verified(one.email, on.code(one.secret))).status).toBe(200)
    })
  })
}

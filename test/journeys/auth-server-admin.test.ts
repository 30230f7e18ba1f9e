import { beforeAll, describe, expect, it } from 'vitest'
import type { Answer, AuthClient } from '../support/auth-client.js'
import { places } from '../support/auth-systems.js'
import { password } from '../support/password-journeys.js'
import { twoFactorJourneys } from '../support/two-factor-journeys.js'

const users = '/api/auth/admin/users'
const absent = '01890000-0000-7000-8000-000000000000'

for (const { name, here, make } of places) {
  describe.runIf(here)(`administering accounts on ${name}`, () => {
    const on = twoFactorJourneys(make)
    let root: AuthClient
    beforeAll(async () => {
      await on.system.auth.services.accounts.ensureAdmin('root@example.org', password)
      root = await on.session('root@example.org')
    })
    const act = (id: string, action: string, client = root): Promise<Answer> => client.post(`${users}/${id}/${action}`)
    const find = async (query: string): Promise<string[]> =>
      (await root.get(`${users}?${query}`)).json.items.map(({ email }: { email: string }) => email)

    it('shows what an account is, and nothing that opens it', async () => {
      const { id } = await on.account('shown@example.org')
      const { status, json, text } = await root.get(`${users}/${id}`)
      expect(status).toBe(200)
      expect(json).toMatchObject({ id, email: 'shown@example.org', is_admin: false, has_password: true })
      expect(json).toMatchObject({ disabled_at: null, last_login_at: null, verified_at: expect.any(String) })
      expect(text).not.toMatch(/argon2|hash|secret|token/)
      expect((await root.get(users)).text).not.toMatch(/argon2|hash|secret|token_version/)
    })

    it('finds accounts newest first, page by page, by what they are and what their address begins with', async () => {
      for (const email of ['find-a@example.org', 'find-b@example.org', 'find-c@example.org']) await on.account(email)
      await on.client().post('/api/auth/signup', { email: 'find-d@example.org', password, confirm_password: password })
      expect(await find('search=FIND-')).toEqual(['d', 'c', 'b', 'a'].map((letter) => `find-${letter}@example.org`))
      const first = await root.get(`${users}?search=find&limit=3`)
      expect(first.json.items).toHaveLength(3)
      expect(await find(`search=find&limit=3&cursor=${first.json.next_cursor}`)).toEqual(['find-a@example.org'])
      expect(await find('search=find&verified=false')).toEqual(['find-d@example.org'])
      await on.sql(
        "update auth_user set username = 'Zoe_1', username_canonical = 'zoe_1' where email = 'find-b@example.org'",
      )
      expect(await find('search=ZOE_')).toEqual(['find-b@example.org'])
      expect(await find('search=zoe%25')).toEqual([])
      expect(await find('admin=true')).toEqual(['root@example.org'])
      expect(await find('search=find&disabled=true')).toEqual([])
    })

    // INP-09
    it.each(['%25', '_ind', 'find%25', '\\', '.*', 'find-a@example.org%25'])(
      'takes %s for itself and no wildcard',
      async (text) => {
        expect(await find(`search=${text}`)).toEqual([])
      },
    )

    // INP-07, INP-08
    it.each([
      'sort=email',
      'order=desc;select',
      'limit=0',
      'limit=1000000000',
      'limit=-1',
      'cursor=x',
      "cursor='--",
      'disabled=1',
      'admin=',
      'search=',
      'search=a&search=b',
      'search[$like]=a',
    ])('refuses the query %s', async (query) => {
      expect((await root.get(`${users}?${query}`)).status).toBe(400)
    })

    // SES-26
    it('disables an account: its sessions, tokens and links end at once, and its logins fail like any other', async () => {
      const { id, email } = await on.account('disabled@example.org')
      const session = await on.session(email)
      const link = await on.resetToken(email)
      const answer = await act(id, 'disable')
      expect([answer.status, typeof answer.json.disabled_at]).toEqual([200, 'string'])
      expect(await on.isIn(session)).toBe(false)
      const login = await on.client().post('/api/auth/login', { email, password })
      const unknown = await on.client().post('/api/auth/login', { email: 'nobody@example.org', password })
      expect([login.status, login.json.code, login.json.detail]).toEqual([401, unknown.json.code, unknown.json.detail])
      expect((await on.confirm(link, 'another good password')).status).toBe(400)
      expect((await act(id, 'disable')).json.disabled_at).toBe(answer.json.disabled_at)
    })

    it('enables an account again; what ended stays ended', async () => {
      const { id, email } = await on.account('enabled@example.org')
      const session = await on.session(email)
      const link = await on.resetToken(email)
      await act(id, 'disable')
      expect((await act(id, 'enable')).json.disabled_at).toBeNull()
      expect(await on.isIn(session)).toBe(false)
      expect((await on.confirm(link, 'another good password')).status).toBe(400)
      expect(await on.login(email, password)).toBe(200)
    })

    it('ends every session of an account, and leaves it as it is', async () => {
      const { id, email } = await on.account('out@example.org')
      const sessions = [await on.session(email), await on.session(email)]
      expect((await act(id, 'logout')).status).toBe(200)
      expect(await Promise.all(sessions.map((session) => on.isIn(session)))).toEqual([false, false])
      expect(await on.login(email, password)).toBe(200)
    })

    it('has a link mailed to the owner, who chooses the password; the administrator sees neither', async () => {
      const { id, email } = await on.account('mailed@example.org')
      const session = await on.session(email)
      const older = await on.resetToken(email)
      const answer = await act(id, 'password-reset')
      expect(answer.status).toBe(200)
      expect(await on.isIn(session)).toBe(false)
      const token = await root.mailedToken(email)
      expect(answer.text).not.toContain(token)
      expect((await on.confirm(older, 'another good password')).status).toBe(400)
      expect((await on.confirm(token, 'another good password')).status).toBe(200)
      expect(await on.login(email, 'another good password')).toBe(200)
    })

    it('takes a second factor away, which it can’t see, and ends the sessions', async () => {
      const { id, email, secret, codes, client } = await on.secured('factor@example.org')
      const before = await root.get(`${users}/${id}`)
      expect(before.json.has_two_factor).toBe(true)
      const [reset, again] = [await act(id, 'two-factor-reset'), await act(id, 'two-factor-reset')]
      expect([reset.status, again.status]).toEqual([200, 200])
      for (const seen of [before.text, reset.text])
        for (const part of [secret, ...codes]) expect(seen).not.toContain(part)
      expect(await on.isIn(client)).toBe(false)
      expect((await on.client().post('/api/auth/login', { email, password })).json.user.email).toBe(email)
      expect((await root.get(`${users}/${id}`)).json.has_two_factor).toBe(false)
    })

    it('takes no administrator’s own second factor away: that takes the password and a code', async () => {
      const { id, email, client } = await on.secured('own-factor@example.org')
      await on.sql('update auth_user set is_admin = true where id = ?', [id])
      const rows = await on.rowsOf(async () => {
        const answer = await act(id, 'two-factor-reset', client)
        expect([answer.status, answer.json.code]).toEqual([403, 'forbidden'])
      })
      expect(rows).toMatchObject([{ event: 'admin_action', outcome: 'denied', reason: 'forbidden', subject: { id } }])
      expect(rows).toHaveLength(1)
      expect((await on.client().post('/api/auth/login', { email, password })).json.requires_2fa).toBe(true)
      await on.sql('update auth_user set is_admin = false where id = ?', [id])
    })

    it('mails no link for an account that could not use it', async () => {
      const off = await on.account('off@example.org')
      await act(off.id, 'disable')
      await on.client().post('/api/auth/signup', { email: 'early@example.org', password, confirm_password: password })
      const [early] = await on.sql<{ id: string }>("select id from auth_user where email = 'early@example.org'")
      const answers = [await act(off.id, 'password-reset'), await act(early?.id ?? '', 'password-reset')]
      expect(answers.map(({ status, json }) => [status, json.code])).toEqual([
        [409, 'disabled'],
        [409, 'unverified'],
      ])
    })

    it('leaves one row for each action, which names the administrator, the account and what was done', async () => {
      const { id } = await on.account('rows@example.org')
      const rows = await on.rowsOf(async () => {
        await root.get(users)
        await root.get(`${users}/${id}`)
        for (const action of ['logout', 'password-reset', 'disable', 'enable']) await act(id, action)
      })
      const concerning = { event: 'admin_action', outcome: 'success', actor: { label: 'root@example.org' } }
      expect(rows).toMatchObject([
        { ...concerning, subject: null, details: { action: 'user_list' } },
        ...['user_read', 'user_logout', 'user_password_reset', 'user_disable', 'user_enable'].map((action) => ({
          ...concerning,
          subject: { type: 'user', id },
          details: { action },
        })),
      ])
      expect(rows).toHaveLength(6)
    })

    it.each([absent, 'x', "'%20or%201=1", '..%2f..'])(
      'answers 404 to the id %s, always the same, with a row',
      async (id) => {
        const rows = await on.rowsOf(async () => {
          const answers = [await root.get(`${users}/${id}`), await act(id, 'disable'), await act(id, 'logout')]
          expect(answers.map(({ status, json }) => [status, json.code])).toEqual(Array(3).fill([404, 'not_found']))
        })
        expect(rows.map(({ outcome, reason }) => [outcome, reason])).toEqual(Array(3).fill(['failure', 'not_found']))
      },
    )

    // AUD-11, SES-27
    it('is for administrators, as they are at each request', async () => {
      const { id, email } = await on.account('climber@example.org')
      const client = await on.session(email)
      const statuses = async (): Promise<number[]> => [
        (await client.get(users)).status,
        (await client.get(`${users}/${id}`)).status,
        (await act(id, 'enable', client)).status,
      ]
      expect(await statuses()).toEqual([403, 403, 403])
      await on.sql('update auth_user set is_admin = true where id = ?', [id])
      expect(await statuses()).toEqual([200, 200, 200])
      await on.sql('update auth_user set is_admin = false where id = ?', [id])
      const rows = await on.rowsOf(async () => expect(await statuses()).toEqual([403, 403, 403]))
      expect(rows.map(({ event, outcome, reason }) => [event, outcome, reason])).toEqual(
        Array(3).fill(['admin_action', 'denied', 'forbidden']),
      )
      const stranger = on.client()
      expect([(await stranger.get(users)).status, (await act(id, 'disable', stranger)).status]).toEqual([401, 401])
    })

    it('never disables the last administrator, not even when two disable each other', async () => {
      const [{ id = '' } = {}] = await on.sql<{ id: string }>(
        "select id from auth_user where email = 'root@example.org'",
      )
      const alone = await act(id, 'disable')
      expect([alone.status, alone.json.code]).toEqual([409, 'last_admin'])
      expect(await on.isIn(root)).toBe(true)
      await on.system.auth.services.accounts.ensureAdmin('second@example.org', password)
      const second = await on.session('second@example.org')
      const [other] = await on.sql<{ id: string }>("select id from auth_user where email = 'second@example.org'")
      const answers = await Promise.all([act(other?.id ?? '', 'disable'), act(id, 'disable', second)])
      expect(answers.map(({ status }) => status)).toContain(200)
      const [left] = await on.sql<{ n: number }>(
        'select count(*)::int as n from auth_user where is_admin and disabled_at is null',
      )
      expect(left?.n).toBe(1)
    })
  })
}

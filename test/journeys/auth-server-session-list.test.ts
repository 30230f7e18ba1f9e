import { createAuthServer } from '@countersign/auth'
import { beforeAll, describe, expect, it } from 'vitest'
import { places, secret } from '../support/auth-systems.js'
import { plain } from '../support/password-journeys.js'
import { bearer, claimsOf, sessionJourneys } from '../support/session-journeys.js'

const email = 'ada@example.org'
const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const sessions = '/api/auth/sessions'

for (const { name, here, make } of places) {
  describe.runIf(here)(`one’s own sessions on ${name}`, () => {
    const on = sessionJourneys(make)
    let fresh = 0
    /** An account that has no session. */
    const person = async () => {
      const { email } = await on.account(`person-${fresh++}@example.org`)
      return email
    }
    beforeAll(() => on.account(email))

    // SES-21
    it('are listed with where from and since when, this one marked, and nothing that opens one', async () => {
      const who = await person()
      await on
        .client()
        .post('/api/auth/token', { email: who, password: 'correct horse battery staple' }, { 'user-agent': firefox })
      const { access, refresh } = await on.tokens(who, true)
      const answer = await on.get(sessions, access)
      expect(answer.json).toMatchObject({
        items: [
          { id: claimsOf(access).sid, current: true, remember_me: true, address: '127.0.0.1' },
          {
            current: false,
            remember_me: false,
            user_agent: firefox,
            device: { browser: 'Firefox', os: 'Linux', type: 'desktop' },
          },
        ],
        next_cursor: null,
      })
      for (const item of answer.json.items) {
        expect(Object.keys(item).sort()).toEqual(
          [
            'address',
            'created_at',
            'current',
            'device',
            'expires_at',
            'id',
            'last_seen_at',
            'remember_me',
            'user_agent',
          ].sort(),
        )
        for (const field of ['created_at', 'last_seen_at', 'expires_at']) expect(item[field]).toMatch(/^\d{4}-.*Z$/)
        expect(await on.status(item.id)).toBe(401)
      }
      expect(answer.text).not.toContain(refresh)
    })

    it('are listed page by page, the newest first, each once, and only those that are alive', async () => {
      const who = await person()
      const ids: unknown[] = []
      let access = ''
      for (let time = 0; time < 5; time++) {
        ;({ access } = await on.tokens(who))
        ids.unshift(claimsOf(access).sid)
      }
      await on.sql('update auth_session set idle_until = now() where id = ?', [ids[2]])
      const seen: unknown[] = []
      let cursor = ''
      do {
        const page = (await on.get(`${sessions}?limit=2${cursor}`, access)).json
        seen.push(...page.items.map(({ id }: { id: string }) => id))
        cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`
      } while (cursor !== '')
      expect(seen).toEqual(ids.toSpliced(2, 1))
    })

    it.each(['limit=0', 'limit=201', 'limit=x', 'cursor=x', 'cursor=', 'cursor=1%27%20or%201=1', 'order=id'])(
      'are not listed by %s',
      async (query) => {
        const { access } = await on.tokens(email)
        expect((await on.get(`${sessions}?${query}`, access)).status).toBe(400)
      },
    )

    // SES-22
    it('are ended one by one, at once, with a row each', async () => {
      const who = await person()
      const [mine, other] = [await on.tokens(who), await on.tokens(who)]
      const rows = await on.rowsOf(async () => {
        expect((await on.delete(`${sessions}/${claimsOf(other.access).sid}`, mine.access)).status).toBe(204)
      })
      expect(rows).toMatchObject([
        {
          event: 'session_revoke',
          outcome: 'success',
          actor: { label: who },
          subject: { id: claimsOf(mine.access).sub },
        },
      ])
      expect([await on.status(other.access), (await on.refresh(other.refresh)).status]).toEqual([401, 401])
      expect(await on.status(mine.access)).toBe(200)
      expect((await on.delete(`${sessions}/${claimsOf(other.access).sid}`, mine.access)).status).toBe(404)
      expect((await on.delete(`${sessions}/${claimsOf(mine.access).sid}`, mine.access)).status).toBe(204)
      expect(await on.status(mine.access)).toBe(401)
    })

    // SES-23
    it('of somebody else are answered like those that never were, stay as they are, and the try is denied', async () => {
      const [mine, theirs] = [await on.tokens(email), await on.tokens(await person())]
      const rows = await on.rowsOf(async () => {
        const foreign = await on.delete(`${sessions}/${claimsOf(theirs.access).sid}`, mine.access)
        const unknown = await on.delete(`${sessions}/01900000-0000-7000-8000-000000000000`, mine.access)
        expect([foreign.status, plain(foreign)]).toEqual([404, plain(unknown)])
      })
      expect(rows.map(({ outcome, reason }) => [outcome, reason])).toEqual([
        ['denied', 'forbidden'],
        ['failure', 'not_found'],
      ])
      expect(await on.status(theirs.access)).toBe(200)
    })

    it.each([
      ['x', 400],
      ['..%2f..%2fusers', 400],
      ['%27%20or%20%271%27=%271', 400],
      ['%7B%22$ne%22:%22%22%7D', 400],
      ['01900000-0000-7000-8000-00000000000g', 400],
      ['%00', 400],
    ])('have no id like %s', async (id, status) => {
      const { access } = await on.tokens(email)
      expect((await on.delete(`${sessions}/${id}`, access)).status).toBe(status)
      expect(await on.status(access)).toBe(200)
    })

    // SES-24
    it('are ended all but this one, which goes on', async () => {
      const who = await person()
      const all = [await on.tokens(who), await on.tokens(who), await on.tokens(who)]
      const [first, , mine] = all as [(typeof all)[0], unknown, (typeof all)[0]]
      const rows = await on.rowsOf(async () => {
        expect((await on.delete(sessions, mine.access)).json).toEqual({ revoked: 2 })
      })
      expect(rows).toMatchObject([{ event: 'session_revoke_all', outcome: 'success', details: { revoked: 2 } }])
      expect([await on.status(first.access), (await on.refresh(first.refresh)).status]).toEqual([401, 401])
      expect([await on.status(mine.access), (await on.refresh(mine.refresh)).status]).toEqual([200, 200])
      expect((await on.get(sessions, mine.access)).json.items).toHaveLength(1)
    })

    it('are shown to nobody who is not logged in', async () => {
      for (const method of ['GET', 'DELETE']) expect((await on.client().request(sessions, { method })).status).toBe(401)
      expect((await on.client().request(`${sessions}/x`, { method: 'DELETE' })).status).toBe(401)
    })

    // SES-25
    it.each([
      ['of 6,000 letters', 'x'.repeat(6000)],
      ['with an escape', 'a\u001b[31mb'],
      ['with bytes that are no UTF-8', 'a\u00ffb\u0080'],
      ['with nothing in it', ''],
    ])('are kept with a user agent %s, bounded and without control characters', async (_title, agent) => {
      const body = { email, password: 'correct horse battery staple' }
      const login = await on
        .client()
        .post('/api/auth/token', body, { 'user-agent': agent })
        .catch(() => null)
      // What no client can send needs no answer.
      if (login === null) return
      expect(login.status).toBe(200)
      const { items } = (await on.get(sessions, login.json.access)).json
      const { user_agent } = items.find(({ current }: { current: boolean }) => current)
      expect((user_agent ?? '').length).toBeLessThanOrEqual(512)
      expect(user_agent ?? '').not.toMatch(/\p{Cc}/u)
    })

    // SES-20
    it('end when nobody uses them, and at the latest at their end, which leaves one row whoever looks', async () => {
      const [idle, over, used] = [await on.tokens(email), await on.tokens(email), await on.tokens(email)]
      const { sub } = claimsOf(idle.access)
      await on.sql("update auth_session set idle_until = now() - interval '1 second' where id = ?", [
        claimsOf(idle.access).sid,
      ])
      await on.sql("update auth_session set expires_at = now() - interval '1 second' where id = ?", [
        claimsOf(over.access).sid,
      ])
      for (const { access, refresh } of [idle, over])
        expect([await on.status(access), (await on.refresh(refresh)).status]).toEqual([401, 401])

      const { sweeper } = on.system.auth.services
      const second = name === 'PostgreSQL' ? await secondServer() : undefined
      const rows = await on.rowsOf(() =>
        Promise.all([sweeper.sweep(), second?.services.sweeper.sweep(), sweeper.sweep()]),
      )
      await second?.close()
      const ends = rows.filter(({ event, subject }) => event === 'session_expire' && subject?.id === sub)
      const expired = { outcome: 'success', actor: { type: 'service' }, subject: { type: 'user', id: sub } }
      expect(ends).toMatchObject([expired, expired])
      expect(new Set(ends.map(({ sessionId }) => sessionId)).size).toBe(2)
      expect(await on.status(used.access)).toBe(200)
    })

    /** Another process would do the same. */
    async function secondServer() {
      const connection = on.system.auth.database.orm.config.get('clientUrl') as string
      return createAuthServer({ database: { url: connection }, secret, publicUrl: 'http://127.0.0.1:3000' })
    }

    it.each([
      [false, 3600, 43_200],
      [true, 604_800, 2_592_000],
    ])(
      'live as long as they are used, with "remember me" %s for %i seconds, of %i in all',
      async (remember, idle, absolute) => {
        const { access } = await on.tokens(email, remember)
        const { sid } = claimsOf(access)
        const left = async () =>
          (
            await on.sql<{ idle: number; absolute: number }>(
              `select extract(epoch from idle_until - now())::int as idle, extract(epoch from expires_at - now())::int as absolute
             from auth_session where id = ?`,
              [sid],
            )
          )[0] as { idle: number; absolute: number }
        const near = (value: number, expected: number) => Math.abs(value - expected) < 60
        const begun = await left()
        expect([near(begun.idle, idle), near(begun.absolute, absolute)]).toEqual([true, true])
        await on.sql(
          "update auth_session set seen_at = now() - interval '2 minutes', idle_until = now() + interval '10 seconds' where id = ?",
          [sid],
        )
        expect(await on.status(access)).toBe(200)
        expect(near((await left()).idle, idle)).toBe(true)
        await on.sql(
          "update auth_session set seen_at = now() - interval '2 minutes', expires_at = now() + interval '60 seconds' where id = ?",
          [sid],
        )
        expect(await on.status(access)).toBe(200)
        expect((await left()).idle).toBeLessThanOrEqual(60)
      },
    )
  })

  describe.runIf(here)(`leaving, on ${name}`, () => {
    const on = sessionJourneys(make)
    beforeAll(() => on.account(email))

    // SES-18
    it('ends the session with the access token, or with only the refresh token', async () => {
      for (const kept of ['at', 'rt']) {
        const client = await on.session(email)
        const [access, refresh] = ['at', 'rt'].map((cookie) => client.cookies.get(cookie) as string) as [string, string]
        for (const cookie of ['at', 'rt']) if (cookie !== kept) client.cookies.delete(cookie)
        const rows = await on.rowsOf(async () => expect((await client.post('/api/auth/logout')).status).toBe(204))
        expect(rows).toMatchObject([{ event: 'logout', outcome: 'success', actor: { label: email } }])
        expect([await on.status(access), (await on.refresh(refresh)).status]).toEqual([401, 401])
        expect([client.cookies.has('at'), client.cookies.has('rt')]).toEqual([false, false])
      }
    })

    // SES-19
    it.each([
      ['nothing', {}],
      ['garbage in the cookies', { cookie: 'at=x; rt=y' }],
      ['a garbage bearer token', bearer('x')],
    ])('with %s is answered the same, and is nobody’s', async (_title, headers) => {
      const { access } = await on.tokens(email)
      const rows = await on.rowsOf(async () => {
        for (let time = 0; time < 2; time++)
          expect((await on.client().post('/api/auth/logout', {}, headers)).status).toBe(204)
      })
      const nobodys = { event: 'logout', outcome: 'failure', reason: 'unauthenticated', actor: { type: 'anonymous' } }
      expect(rows).toMatchObject([nobodys, nobodys])
      expect(await on.status(access)).toBe(200)
    })

    it('with somebody else’s refresh token beside one’s own access token ends one’s own session only', async () => {
      const bob = await on.account('bob@example.org')
      const [mine, theirs] = [await on.tokens(email), await on.tokens(bob.email)]
      const cookie = `at=${mine.access}; rt=${theirs.refresh}`
      expect((await on.client().post('/api/auth/logout', {}, { cookie, 'sec-fetch-site': 'same-origin' })).status).toBe(
        204,
      )
      expect([await on.status(mine.access), await on.status(theirs.access)]).toEqual([401, 200])
      const body = { refresh: theirs.refresh }
      const again = await on.tokens(email)
      expect((await on.client().post('/api/auth/logout', body, bearer(again.access))).status).toBe(204)
      expect((await on.refresh(theirs.refresh)).status).toBe(200)
    })

    it('takes away no cookies from a browser that another site made to ask without them', async () => {
      const answer = await on.client().post('/api/auth/logout', {}, { origin: 'https://evil.example' })
      expect([answer.status, answer.headers.getSetCookie()]).toEqual([204, []])
    })
  })
}

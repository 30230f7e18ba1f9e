import { beforeAll, describe, expect, it } from 'vitest'
import { places } from '../support/auth-systems.js'
import { plain } from '../support/password-journeys.js'
import { claimsOf, sessionJourneys } from '../support/session-journeys.js'

const email = 'ada@example.org'
const aMinuteLater = "update auth_refresh_token set used_at = used_at - interval '1 minute' where used_at is not null"

for (const { name, here, make } of places) {
  describe.runIf(here)(`the exchange of refresh tokens on ${name}`, () => {
    const on = sessionJourneys(make)
    beforeAll(() => on.account(email))
    const events = async (run: () => Promise<unknown>) =>
      (await on.rowsOf(run)).map(({ event, outcome, reason }) => [event, outcome, reason])
    const reuseMails = async () => (await on.mails()).filter(({ subject }) => subject.includes('was ended')).length

    // RFT-01
    it('gives both tokens anew, in the same session, and leaves one row', async () => {
      const first = await on.tokens(email)
      let next = first
      const rows = await on.rowsOf(async () => {
        next = (await on.refresh(first.refresh)).json
      })
      expect([next.access === first.access, next.refresh === first.refresh]).toEqual([false, false])
      expect(claimsOf(next.access)).toMatchObject({ sid: claimsOf(first.access).sid, sub: claimsOf(first.access).sub })
      expect(await on.status(next.access)).toBe(200)
      const { sub } = claimsOf(first.access)
      const ada = { type: 'user', id: sub }
      expect(rows).toMatchObject([
        { event: 'token_refresh', outcome: 'success', actor: { ...ada, label: email }, subject: ada },
      ])
      expect(rows[0]?.sessionId).toBeTruthy()
    })

    // RFT-04
    it('gives the same successor again while nobody has used that, and no second lineage', async () => {
      const { access, refresh } = await on.tokens(email)
      const answers = [await on.refresh(refresh), await on.refresh(refresh), await on.refresh(refresh)]
      expect(new Set(answers.map(({ json }) => json.refresh)).size).toBe(1)
      const lineage = await on.sql<{ children: number }>(
        'select count(parent_hash)::int as children from auth_refresh_token where session_id = ?',
        [claimsOf(access).sid],
      )
      expect(lineage).toEqual([{ children: 1 }])
    })

    // RFT-05
    it('takes a token for stolen that comes back, within the grace, after its successor was used', async () => {
      const first = await on.tokens(email)
      const second = (await on.refresh(first.refresh)).json
      const third = (await on.refresh(second.refresh)).json
      const before = await reuseMails()
      const left = await events(async () => {
        expect((await on.refresh(first.refresh)).json.code).toBe('invalid_token')
      })
      expect(left.sort()).toEqual([
        ['token_refresh', 'failure', 'reused'],
        ['token_reuse', 'failure', 'reused'],
      ])
      expect(await reuseMails()).toBe(before + 1)
      expect([await on.status(third.access), (await on.refresh(third.refresh)).status]).toEqual([401, 401])
    })

    // RFT-07: what was used is a row, whatever the clock of a process says.
    it('takes a token for stolen that comes back after the grace, once for all that come', async () => {
      const first = await on.tokens(email)
      const second = (await on.refresh(first.refresh)).json
      await on.sql(aMinuteLater)
      const before = await reuseMails()
      const left = await events(() => Promise.all(Array.from({ length: 5 }, () => on.refresh(first.refresh))))
      expect(left.filter(([event]) => event === 'token_refresh')).toHaveLength(5)
      expect(left.filter(([event]) => event === 'token_reuse')).toHaveLength(1)
      expect(await reuseMails()).toBe(before + 1)
      expect([await on.status(second.access), (await on.refresh(second.refresh)).status]).toEqual([401, 401])
    })

    it('leaves the other sessions of the account alone when one was copied', async () => {
      const [copied, other] = [await on.tokens(email), await on.tokens(email)]
      await on.refresh(copied.refresh)
      await on.sql(aMinuteLater)
      expect((await on.refresh(copied.refresh)).status).toBe(401)
      expect([await on.status(copied.access), await on.status(other.access)]).toEqual([401, 200])
      expect((await on.refresh(other.refresh)).status).toBe(200)
    })

    // RFT-08, SES-08
    it('is refused to a page of another site, which spends nothing', async () => {
      const client = await on.session(email)
      for (const headers of [
        { origin: 'https://evil.example' },
        { 'sec-fetch-site': 'cross-site' },
        { origin: 'null' },
      ]) {
        const answer = await client.post('/api/auth/refresh', {}, headers)
        expect([answer.status, answer.json.code]).toEqual([403, 'csrf'])
      }
      expect((await client.post('/api/auth/refresh')).status).toBe(200)
    })

    // RFT-10
    it('stores of a token only what it can be recognised by', async () => {
      const { refresh } = await on.tokens(email)
      const next = (await on.refresh(refresh)).json.refresh
      const stored = await on.sql<{ text: string }>('select token::text as text from auth_refresh_token as token')
      for (const { text } of stored) for (const token of [refresh, next]) expect(text).not.toContain(token)
      expect(Buffer.from(refresh, 'base64url')).toHaveLength(32)
    })

    // RFT-11
    it.each([
      ['one that never was', () => 'x'.repeat(43)],
      ['a changed one', (token: string) => `${token.slice(0, -2)}AA`],
      ['half of one', (token: string) => token.slice(0, 20)],
    ])('answers %s with 401, and takes the cookies away', async (_title, change) => {
      const client = await on.session(email)
      client.cookies.set('rt', change(client.cookies.get('rt') as string))
      const answer = await client.post('/api/auth/refresh')
      expect([answer.status, answer.json.code]).toEqual([401, 'invalid_token'])
      expect([client.cookies.has('at'), client.cookies.has('rt')]).toEqual([false, false])
    })

    it('answers every token that is worth nothing the same', async () => {
      const [old, ended] = [await on.tokens(email), await on.tokens(email)]
      await on.sql('update auth_refresh_token set expires_at = now() where session_id = ?', [claimsOf(old.access).sid])
      await on.client().post('/api/auth/logout', {}, { authorization: `Bearer ${ended.access}` })
      const answers = [await on.refresh(old.refresh), await on.refresh(ended.refresh), await on.refresh('x'.repeat(43))]
      expect(new Set(answers.map(plain)).size).toBe(1)
      expect(answers[0]?.status).toBe(401)
    })

    it.each([undefined, null, '', 7, ['x'], {}])('refuses %j for a token', async (refresh) => {
      expect((await on.client().post('/api/auth/token/refresh', { refresh })).status).toBe(400)
    })

    // RFT-13
    it('forgets tokens that are too old, and sessions a month after their end', async () => {
      const { access } = await on.tokens(email)
      const { sid } = claimsOf(access)
      const left = async (table: string, column: string) =>
        (await on.sql<unknown>(`select 1 from ${table} where ${column} = ?`, [sid])).length
      await on.sql("update auth_refresh_token set expires_at = now() - interval '1 second' where session_id = ?", [sid])
      await on.system.auth.services.sweeper.sweep()
      expect([await left('auth_refresh_token', 'session_id'), await left('auth_session', 'id')]).toEqual([0, 1])
      await on.sql("update auth_session set ended_at = now() - interval '31 days' where id = ?", [sid])
      await on.system.auth.services.sweeper.sweep()
      expect(await left('auth_session', 'id')).toBe(0)
    })
  })

  // RFT-14
  describe.runIf(here)(`exchanges that go on and on, on ${name}`, () => {
    const on = sessionJourneys(make, {
      limits: { login: null, signup: null, token_refresh: null },
      refreshTokens: { perHour: 5 },
    })
    beforeAll(() => on.account(email))

    it('are limited for each session, which goes on afterwards', async () => {
      const [busy, other] = [await on.tokens(email), await on.tokens(email)]
      let { refresh } = busy
      for (let time = 0; time < 5; time++) refresh = (await on.refresh(refresh)).json.refresh
      const refused = await on.refresh(refresh)
      expect([refused.status, refused.json.code, refused.headers.get('retry-after')]).toEqual([429, 'throttled', '600'])
      expect((await on.refresh(other.refresh)).status).toBe(200)
      await on.sql("update auth_refresh_token set created_at = created_at - interval '1 hour'")
      expect((await on.refresh(refresh)).status).toBe(200)
    })

    it('end with their session, however often they are made', async () => {
      const { access, refresh } = await on.tokens(email, true)
      const { sid } = claimsOf(access)
      const end = async () =>
        (await on.sql<{ ends: string }>('select expires_at::text as ends from auth_session where id = ?', [sid]))[0]
          ?.ends
      const before = await end()
      const next = (await on.refresh(refresh)).json
      expect(await end()).toBe(before)
      await on.sql('update auth_session set expires_at = now() where id = ?', [sid])
      expect([(await on.refresh(next.refresh)).status, await on.status(next.access)]).toEqual([401, 401])
    })
  })
}

import { openDatabase } from '@countersign/auth'
import { describe, expect, it } from 'vitest'
import type { Answer, AuthClient } from '../support/auth-client.js'
import { places, unlimited } from '../support/auth-systems.js'
import { passwordJourneys } from '../support/password-journeys.js'

const path = '/api/auth/profile'
const json = { 'content-type': 'application/json' }
const send = (client: AuthClient, method: string, body: unknown): Promise<Answer> =>
  client.request(path, { method, headers: json, body: typeof body === 'string' ? body : JSON.stringify(body) })
const patch = (client: AuthClient, body: unknown): Promise<Answer> => send(client, 'PATCH', body)
const put = (client: AuthClient, body: unknown): Promise<Answer> => send(client, 'PUT', body)

for (const { name, here, make } of places) {
  describe.runIf(here)(`profiles on ${name}`, () => {
    const on = passwordJourneys(make, { limits: unlimited, consentVersion: '2026-11' })

    async function owner(email: string): Promise<{ id: string; client: AuthClient }> {
      const { id } = await on.account(email)
      return { id, client: await on.session(email) }
    }

    it('come with the account, and say nothing yet', async () => {
      const { id, client } = await owner('new@example.org')
      const { status, json: profile } = await client.get(path)
      expect(status).toBe(200)
      expect(profile).toMatchObject({
        user_id: id,
        email: 'new@example.org',
        is_admin: false,
        two_factor: false,
        first_name: '',
        last_name: '',
        bio: '',
        location: '',
        marketing_consent: false,
        marketing_consent_updated_at: null,
        created_at: expect.stringMatching(/Z$/),
        updated_at: expect.stringMatching(/Z$/),
      })
      await on.system.auth.services.accounts.ensureAdmin('chief@example.org', 'correct horse battery staple')
      const chief = await on.session('chief@example.org')
      expect((await chief.get(path)).json).toMatchObject({ email: 'chief@example.org', is_admin: true })
    })

    it('are changed in part by PATCH, with one row that names the fields and not what they say', async () => {
      const { id, client } = await owner('patch@example.org')
      await patch(client, { first_name: 'Ada', bio: 'Wrote the first program.\nIn 1843.' })
      const rows = await on.rowsOf(async () => {
        const answer = await patch(client, { location: 'London', first_name: 'Ada', last_name: 'Lovelace' })
        expect(answer.status).toBe(200)
        expect(answer.json).toMatchObject({ first_name: 'Ada', bio: 'Wrote the first program.\nIn 1843.' })
        expect((await client.get(path)).json).toEqual(answer.json)
      })
      expect(rows).toHaveLength(1)
      expect(rows).toMatchObject([
        {
          event: 'profile_update',
          outcome: 'success',
          actor: { type: 'user', id },
          subject: { type: 'user', id },
          details: { fields: ['last_name', 'location'] },
        },
      ])
      expect(JSON.stringify(rows)).not.toMatch(/Lovelace|London/)
    })

    it('are replaced whole by PUT: what it lacks is empty', async () => {
      const { client } = await owner('put@example.org')
      await patch(client, { first_name: 'Ada', bio: 'A life.', marketing_consent: true })
      const { status, json: profile } = await put(client, { location: 'Paris', marketing_consent: true })
      expect(status).toBe(200)
      expect(profile).toMatchObject({ first_name: '', bio: '', location: 'Paris', marketing_consent: true })
      expect((await patch(client, { location: '' })).json.location).toBe('')
    })

    it('have the server’s time of a consent, which moves only when the decision does', async () => {
      const { client } = await owner('consent@example.org')
      const given = await patch(client, { marketing_consent: true })
      const time = given.json.marketing_consent_updated_at
      expect(Math.abs(Date.now() - Date.parse(time))).toBeLessThan(60_000)
      expect((await patch(client, { marketing_consent: true })).json.marketing_consent_updated_at).toBe(time)
      expect((await patch(client, { bio: 'x' })).json.marketing_consent_updated_at).toBe(time)
      const withdrawn = await patch(client, { marketing_consent: false })
      expect(Date.parse(withdrawn.json.marketing_consent_updated_at)).toBeGreaterThan(Date.parse(time))
    })

    it('keep every decision about a consent with its wording, and record it beside the change', async () => {
      const { id, client } = await owner('history@example.org')
      const rows = await on.rowsOf(async () => {
        for (const marketing_consent of [true, true, false, false, true]) await patch(client, { marketing_consent })
      })
      const consents = rows.filter(({ event }) => event === 'consent_update')
      expect(rows).toHaveLength(8)
      expect(consents.map(({ details }) => details)).toEqual([
        { from: false, to: true, version: '2026-11' },
        { from: true, to: false, version: '2026-11' },
        { from: false, to: true, version: '2026-11' },
      ])
      expect(consents.every(({ subject, actor }) => subject?.id === id && actor.id === id)).toBe(true)
      const first = await client.get(`${path}/consents?limit=2`)
      const rest = await client.get(`${path}/consents?limit=2&cursor=${first.json.next_cursor}`)
      expect([...first.json.items, ...rest.json.items]).toMatchObject(
        [true, false, true].map((given) => ({ purpose: 'marketing', given, version: '2026-11' })),
      )
      expect(rest.json.next_cursor).toBeNull()
      const { client: other } = await owner('other@example.org')
      expect((await other.get(`${path}/consents`)).json).toEqual({ items: [], next_cursor: null })
    })

    it('let twenty changes at the same time leave one decision', async () => {
      const { client } = await owner('race@example.org')
      await Promise.all(Array.from({ length: 20 }, () => patch(client, { marketing_consent: true })))
      expect((await client.get(`${path}/consents`)).json.items).toHaveLength(1)
    })

    // INP-01, INP-06, INP-12, AUD-04
    it.each([
      [{ user_id: 'x' }, null],
      [{ is_admin: true }, null],
      [{ email: 'eve@example.org' }, null],
      [{ marketing_consent_updated_at: '2020-01-01T00:00:00Z' }, null],
      [{ token_version: 9 }, null],
      [{ bio: 'x', id: 1 }, null],
      [{ bio: null }, 'bio'],
      [{ bio: 'x'.repeat(2001) }, 'bio'],
      [{ bio: 'nul \u0000' }, 'bio'],
      [{ bio: 'half \ud800' }, 'bio'],
      [{ bio: { sql: '1', params: [] } }, 'bio'],
      [{ bio: ['x'] }, 'bio'],
      [{ first_name: 'x'.repeat(101) }, 'first_name'],
      [{ first_name: 'a\r\nBcc: eve@example.org' }, 'first_name'],
      [{ last_name: 'turned \u202e' }, 'last_name'],
      [{ location: '\u001b[31m' }, 'location'],
      [{ location: 7 }, 'location'],
      [{ marketing_consent: 'true' }, 'marketing_consent'],
      [{ marketing_consent: 1 }, 'marketing_consent'],
      [{ marketing_consent: null }, 'marketing_consent'],
    ])('refuse %j, name the field where it is known, and stay as they are', async (body, field) => {
      const client = await existing('refuse@example.org')
      const before = (await client.get(path)).text
      for (const answer of [await patch(client, body), await put(client, body)]) {
        expect(answer.status).toBe(400)
        expect(answer.json.errors.map((error: { field: string | null }) => error.field)).toContain(field)
      }
      expect((await client.get(path)).text).toBe(before)
    })

    const clients = new Map<string, AuthClient>()
    async function existing(email: string): Promise<AuthClient> {
      const client = clients.get(email) ?? (await owner(email)).client
      clients.set(email, client)
      return client
    }

    it('take a hundred characters of any language, and markup as the text that it is', async () => {
      const { client } = await owner('names@example.org')
      const name = '𝒜'.repeat(100)
      const body = { first_name: name, last_name: '<b>{{7*7}}</b>', bio: '\t日本語\r\nعربى' }
      expect((await patch(client, body)).json).toMatchObject(body)
      expect((await client.get(path)).json).toMatchObject(body)
    })

    it('are for who is logged in, and for nobody else', async () => {
      const stranger = on.client()
      const rows = await on.rowsOf(async () => {
        expect((await stranger.get(path)).status).toBe(401)
        expect((await stranger.get(`${path}/consents`)).status).toBe(401)
        expect((await patch(stranger, { bio: 'x' })).status).toBe(401)
        expect((await put(stranger, { bio: 'x' })).status).toBe(401)
      })
      expect(rows.map(({ event, outcome, reason }) => [event, outcome, reason])).toEqual([
        ['profile_update', 'denied', 'unauthenticated'],
        ['profile_update', 'denied', 'unauthenticated'],
      ])
    })

    it('are made for the accounts that were there before profiles were', async () => {
      const { database, drop } = await make()
      const before = await openDatabase(database)
      for (const statement of [
        'drop trigger auth_user_has_profile on auth_user',
        'drop function auth_profile_of_new_user',
        'drop table auth_profile, auth_consent',
        "delete from mikro_orm_migrations where name = 'countersign-auth-2'",
        `insert into auth_user (id, email, email_canonical, created_at)
         values ('01890000-0000-7000-8000-000000000001', 'old@example.org', 'old@example.org', now())`,
      ])
        await before.orm.em.getDriver().getConnection().execute(statement)
      await before.close()
      const after = await openDatabase(database)
      const profiles = await after.orm.em.getDriver().getConnection().execute('select user_id, bio from auth_profile')
      expect(profiles).toEqual([{ user_id: '01890000-0000-7000-8000-000000000001', bio: '' }])
      await after.close()
      await drop()
    })
  })
}

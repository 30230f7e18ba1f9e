import { describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { places } from '../support/auth-systems.js'
import { password } from '../support/password-journeys.js'
import { referenceJourneys } from '../support/reference-journeys.js'

for (const { name, here, make } of places) {
  describe.runIf(here)(`what the trail shows on ${name}`, () => {
    const on = referenceJourneys(make)

    it('shows a person the rows that concern them, failures against them included, and nobody else', async () => {
      await on.client.signUpAndVerify('own@example.org', password)
      await on.client.post('/api/auth/login', { email: 'own@example.org', password: 'wrong' })
      await on.client.post('/api/auth/login', { email: 'own@example.org', password })
      const { json } = await on.client.get('/api/auth/login-history')
      const events = json.items.map(({ event, outcome }: { event: string; outcome: string }) => `${event}.${outcome}`)
      expect(events).toEqual([
        'login.success',
        'login.failure',
        'password_set.success',
        'email_verification.success',
        'signup.success',
      ])
      expect(json.next_cursor).toBeNull()
      const page = (await on.client.get('/api/auth/login-history?limit=3')).json
      expect(page.items).toHaveLength(3)
      expect(
        (await on.client.get(`/api/auth/login-history?limit=3&cursor=${page.next_cursor}`)).json.items,
      ).toHaveLength(2)
    })

    it('shows the trail to an administrator, and records that it was read', async () => {
      await on.client.post('/api/auth/login', { email: 'ada@example.org', password: 'wrong' })
      await on.client.post('/api/auth/login', { email: 'root@example.org', password })
      const rows = await on.rowsOf(async () => {
        const { json } = await on.client.get(
          '/api/audit/events?event=login&outcome=failure&attempted=ada@example.org&limit=2',
        )
        expect(json.items.length).toBeGreaterThan(0)
        for (const item of json.items)
          expect(item).toMatchObject({ event: 'login', outcome: 'failure', attempted: { masked: 'a***@e***.org' } })
      })
      expect(rows).toMatchObject([{ event: 'audit_read', outcome: 'success', actor: { label: 'root@example.org' } }])
      expect(rows[0]?.details).toMatchObject({ filters: ['limit', 'event', 'outcome', 'attempted'].sort() })
    })

    it('shows the trail to nobody else, and records that, too', async () => {
      await on.client.post('/api/auth/login', { email: 'ada@example.org', password })
      const rows = await on.rowsOf(async () => {
        expect((await on.client.get('/api/audit/events')).status).toBe(403)
        expect((await new AuthClient(on.system.url).get('/api/audit/events')).status).toBe(401)
      })
      expect(rows).toMatchObject([
        { event: 'audit_read', outcome: 'denied', reason: 'forbidden', actor: { label: 'ada@example.org' } },
        { event: 'audit_read', outcome: 'denied', reason: 'unauthenticated', actor: { type: 'anonymous' } },
      ])
    })

    it.each([
      'limit=1e9',
      'limit=-1',
      'limit=2&limit=3',
      'sort=password_hash',
      'from=yesterday',
      'cursor=abc',
      "event=login'--",
      'outcome=maybe',
      'actor_id=a%00b',
    ])('refuses the query %s', async (query) => {
      await on.client.post('/api/auth/login', { email: 'root@example.org', password })
      const answer = await on.client.get(`/api/audit/events?${query}`)
      expect(answer.status).toBe(400)
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    })

    it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('has no route by which a row could be written: %s', async (method) => {
      await on.client.post('/api/auth/login', { email: 'root@example.org', password })
      const [newest] = (await on.client.get('/api/audit/events')).json.items
      const headers = { 'content-type': 'application/json' }
      const rows = await on.rowsOf(async () => {
        for (const path of ['/api/audit/events', `/api/audit/events/${newest.id}`])
          expect((await on.client.request(path, { method, headers, body: JSON.stringify(newest) })).status).toBe(405)
      })
      expect(rows).toEqual([])
    })

    it('refuses every change to the rows in the database', async () => {
      const connection = on.system.auth.database.orm.em.getDriver().getConnection()
      for (const statement of [
        "update audit_event set outcome = 'success'",
        'update audit_event set actor_label = null',
        'delete from audit_event',
        'truncate audit_event',
        `truncate audit_event_${new Date().toISOString().slice(0, 7).replace('-', '_')}`,
        `delete from audit_event_${new Date().toISOString().slice(0, 7).replace('-', '_')}`,
      ]) {
        await expect(connection.execute(statement), statement).rejects.toThrow(/append-only/)
      }
    })
  })
}

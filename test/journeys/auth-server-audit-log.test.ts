import { setTimeout as wait } from 'node:timers/promises'
import {
  newSigningKey,
  noteSigner,
  noteVerifier,
  parseCheckpoint,
  readBundle,
  verifyLog,
} from '@countersign/core/evidence'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { places, startSystem, type TestSystem, unlimited } from '../support/auth-systems.js'
import { once } from '../support/logs.js'

const password = 'correct horse battery staple'
const signer = noteSigner(newSigningKey('127.0.0.1/audit'))
const verifier = noteVerifier(signer.verifier.text)

for (const { name, make, here } of places) {
  describe.runIf(here)(`the log of the reference server, on ${name}`, () => {
    let system: TestSystem
    let clients: Readonly<Record<'root' | 'second' | 'ada', AuthClient>>

    beforeAll(async () => {
      system = await startSystem(make, { limits: unlimited, auditLog: { signer, approval: true } })
      await system.auth.start()
      const accounts = system.auth.services.accounts
      await accounts.ensureAdmin('root@example.org', password)
      clients = {
        root: await loggedIn('root@example.org'),
        second: await admin('second@example.org'),
        ada: await user('ada@example.org'),
      }
    }, 120_000)
    afterAll(() => system.close())

    async function loggedIn(email: string): Promise<AuthClient> {
      const client = new AuthClient(system.url)
      expect((await client.post('/api/auth/login', { email, password })).status).toBe(200)
      return client
    }
    async function user(email: string): Promise<AuthClient> {
      await new AuthClient(system.url).signUpAndVerify(email, password)
      return loggedIn(email)
    }
    async function admin(email: string): Promise<AuthClient> {
      await new AuthClient(system.url).signUpAndVerify(email, password)
      const connection = system.auth.database.orm.em.getDriver().getConnection()
      await connection.execute(`update auth_user set is_admin = true where email_canonical = '${email}'`)
      return loggedIn(email)
    }
    const idOf = async (email: string): Promise<string> => {
      const connection = system.auth.database.orm.em.getDriver().getConnection()
      return (await connection.execute(`select id from auth_user where email_canonical = '${email}'`))[0].id
    }
    const finished = async (client: AuthClient, id: string): Promise<any> => {
      for (let tries = 0; tries < 200; tries++) {
        const { json } = await client.get(`/api/audit/requests/${id}`)
        if (['done', 'failed', 'refused'].includes(json.state)) return json
        await wait(100)
      }
      throw new Error('the request was not done in time')
    }
    const rowsOf = async (event: string) => (await system.rows()).filter((row) => row.event === event)

    it('states its checkpoint, which covers every row within a moment', async () => {
      await wait(1200)
      const { status, text, headers } = await clients.root.get('/api/audit/checkpoint')
      expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8'])
      const checkpoint = parseCheckpoint(text)
      expect(checkpoint?.origin).toBe('127.0.0.1/audit')
      expect(checkpoint?.size).toBeGreaterThan(5)
    })

    it('proves a row, and shows it', async () => {
      const [row] = await rowsOf('signup')
      const shown = await clients.root.get(`/api/audit/events/${row?.id}`)
      expect(shown.json).toMatchObject({ id: row?.id, event: 'signup' })
      const { json } = await clients.root.get(`/api/audit/events/${row?.id}/proof`)
      expect(json).toMatchObject({ countersign: 'proof/v1', leaf: { id: row?.id, row: { event: 'signup' } } })
      for (const path of ['', '/proof'])
        expect((await clients.root.get(`/api/audit/events/01900000-0000-7000-8000-000000000000${path}`)).status).toBe(
          404,
        )
    })

    it('is exported as a bundle that verifies, whole and in part, and leaves a row for it', async () => {
      const whole = await clients.root.get('/api/audit/export')
      expect(whole.headers.get('content-disposition')).toBe('attachment; filename="audit-bundle.jsonl"')
      const report = await verifyLog(await readBundle(once(Buffer.from(whole.text))), { keys: [verifier] })
      expect(report).toMatchObject({ sound: true, pinned: true })
      const from = new Date(Date.now() - 3_600_000).toISOString()
      const part = await clients.root.get(`/api/audit/export?from=${from}`)
      expect(await verifyLog(await readBundle(once(Buffer.from(part.text))))).toMatchObject({ sound: true })
      const exports = await rowsOf('audit_export')
      expect(
        exports.map(({ outcome, actor, details }) => [outcome, actor.label, (details as { format?: string }).format]),
      ).toEqual([
        ['success', 'root@example.org', 'bundle'],
        ['success', 'root@example.org', 'bundle'],
      ])
    })

    it('forgets a person when a second administrator agrees, and not before', async () => {
      const parameters = { subject: { type: 'user', id: await idOf('ada@example.org') } }
      const asked = await clients.root.post('/api/audit/requests', { kind: 'erasure', parameters })
      expect([asked.status, asked.json.state]).toEqual([202, 'waiting'])
      const decide = (client: AuthClient) =>
        client.post(`/api/audit/requests/${asked.json.id}/decision`, { decision: 'approve' })
      expect((await decide(clients.root)).status).toBe(403)
      expect((await decide(clients.second)).json.state).toBe('approved')
      expect((await decide(clients.second)).status).toBe(409)
      const done = await finished(clients.second, asked.json.id)
      expect(done).toMatchObject({ state: 'done', result: { held: 0 } })
      expect(done.result.rows).toBeGreaterThan(2)
      const mine = (await system.rows()).filter(({ actor, subject }) =>
        [actor.id, subject?.id].includes(parameters.subject.id),
      )
      expect(mine.filter(({ erasedAt }) => erasedAt === null)).toEqual([])
      expect(JSON.stringify(mine)).not.toContain('ada@')
      const [erasure] = await rowsOf('audit_erasure')
      expect(erasure).toMatchObject({
        outcome: 'success',
        actor: { type: 'service' },
        onBehalfOf: { id: await idOf('root@example.org') },
      })
      const decisions = await rowsOf('audit_decision')
      expect(decisions.map(({ outcome }) => outcome)).toEqual(['denied', 'success', 'failure'])
      expect(await rowsOf('audit_request')).toHaveLength(1)
    })

    it('keeps months by a legal hold, and verifies itself on request', async () => {
      const held = await clients.root.post('/api/audit/holds', {
        label: 'case 7',
        from: '2026-01-03T00:00:00Z',
        to: '2026-01-04T00:00:00Z',
      })
      expect(held.json).toMatchObject({
        label: 'case 7',
        from: '2026-01-01T00:00:00.000Z',
        to: '2026-02-01T00:00:00.000Z',
      })
      const { json } = await clients.root.get('/api/audit/holds')
      expect(json.items).toHaveLength(1)
      expect(json.months.length).toBeGreaterThan(2)
      const asked = await clients.root.post('/api/audit/requests', { kind: 'verification', parameters: {} })
      expect(await finished(clients.root, asked.json.id)).toMatchObject({ state: 'done', result: { sound: true } })
      const list = await clients.root.get('/api/audit/requests?limit=1')
      expect(list.json.items).toMatchObject([{ kind: 'verification' }])
      expect(list.json.next_cursor).toEqual(expect.any(String))
    })

    it('refuses what makes no sense, and says why', async () => {
      for (const [path, body] of [
        ['/api/audit/requests', { kind: 'erase_everything', parameters: {} }],
        ['/api/audit/requests', { kind: 'erasure', parameters: { subject: 'ada' } }],
        ['/api/audit/requests', { kind: 'erasure', parameters: { subject: { type: 'user', id: 'ada\u0000' } } }],
        ['/api/audit/holds', { label: 'x', from: '-100000-01-01T00:00:00Z', to: '-090000-01-01T00:00:00Z' }],
        ['/api/audit/holds', { label: 'x', from: '2026-02-01T00:00:00Z', to: '2026-01-01T00:00:00Z' }],
      ] as const) {
        const { status, json } = await clients.root.post(path, body)
        expect([status, json.code], JSON.stringify(body)).toEqual([400, 'invalid_request'])
        expect(json.detail).toBeTruthy()
      }
      const backwards = await clients.root.get('/api/audit/export?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z')
      expect([backwards.status, backwards.json.code]).toEqual([400, 'invalid_request'])
    })

    it.each([
      ['GET', '/api/audit/checkpoint'],
      ['GET', '/api/audit/export'],
      ['GET', '/api/audit/events/01900000-0000-7000-8000-000000000000'],
      ['GET', '/api/audit/events/01900000-0000-7000-8000-000000000000/proof'],
      ['GET', '/api/audit/holds'],
      ['POST', '/api/audit/holds'],
      ['GET', '/api/audit/requests'],
      ['POST', '/api/audit/requests'],
      ['POST', '/api/audit/requests/01900000-0000-7000-8000-000000000000/decision'],
    ])('lets nobody but administrators %s %s, and records the refusal', async (method, path) => {
      const before = (await system.rows()).length
      const [stranger, plain] = [new AuthClient(system.url), await user(`plain-${Math.random()}@example.org`)]
      const init = { method, headers: { 'content-type': 'application/json' }, ...(method === 'POST' && { body: '{}' }) }
      expect((await stranger.request(path, init)).status).toBe(401)
      expect((await plain.request(path, init)).status).toBe(403)
      const refused = (await system.rows()).slice(before).filter(({ event }) => event.startsWith('audit_'))
      expect(refused.map(({ outcome }) => outcome)).toEqual(['denied', 'denied'])
    })
  })
}

import { setTimeout as wait } from 'node:timers/promises'
import { openDatabase } from '@countersign/auth'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { places, secret, unlimited } from '../support/auth-systems.js'
import { postgresAvailable } from '../support/databases.js'
import { bearer, claimsOf } from '../support/session-journeys.js'
import { killShared, startShared } from '../support/shared-systems.js'

const password = 'correct horse battery staple'
const email = 'ada@example.org'
const shared = places.find(({ name }) => name === 'PostgreSQL') as (typeof places)[number]
const rounds = 25
const patience = { timeout: 120_000 }

describe.runIf(await postgresAvailable())('two processes on one PostgreSQL', () => {
  const clients: AuthClient[] = []
  let sql: <Row>(statement: string, values?: unknown[]) => Promise<Row[]>
  let drop: () => Promise<void>

  beforeAll(async () => {
    const made = await shared.make()
    const settings = { database: made.database, secret, publicUrl: 'http://127.0.0.1:3000', limits: unlimited }
    // At the same time, as a deployment starts them.
    for (const { url } of await Promise.all([startShared(settings), startShared(settings)]))
      clients.push(new AuthClient(url))
    await client(0).signUpAndVerify(email, password)
    const { orm, close } = await openDatabase(made.database)
    sql = (statement, values) => orm.em.getDriver().getConnection().execute(statement, values)
    drop = async () => {
      await close()
      await made.drop()
    }
  })
  afterAll(async () => {
    await killShared()
    await drop()
  })

  const client = (index: number) => clients[index % 2] as AuthClient
  const tokens = async (index = 0) => (await client(index).post('/api/auth/token', { email, password })).json
  const refresh = (index: number, token: string) => client(index).post('/api/auth/token/refresh', { refresh: token })
  const status = async (index: number, access: string) =>
    (await client(index).get('/api/auth/csrf', bearer(access))).status
  const together = <Result>(count: number, run: (index: number) => Promise<Result>) =>
    Promise.all(Array.from({ length: count }, (_, index) => run(index)))

  // RFT-03
  it('give twenty exchanges of one token at once the same successor, of one lineage', patience, async () => {
    for (let round = 0; round < rounds; round++) {
      const first = await tokens(round)
      const answers = await together(20, (index) => refresh(index, first.refresh))
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
      const successors = new Set(answers.map(({ json }) => json.refresh))
      expect(successors.size).toBe(1)
      const stored = await sql<{ rows: number; parents: number }>(
        `select count(*)::int as rows, count(distinct parent_hash)::int as parents
         from auth_refresh_token where session_id = ?`,
        [claimsOf(first.access).sid],
      )
      expect(stored).toEqual([{ rows: 2, parents: 1 }])
      expect(await status(round, answers[7]?.json.access)).toBe(200)
      expect((await refresh(round + 1, [...successors][0])).status).toBe(200)
    }
  })

  it(
    'end the family once of twenty uses at once of a token that was exchanged, and tell the owner once',
    patience,
    async () => {
      for (let round = 0; round < rounds; round++) {
        const first = await tokens(round)
        const second = (await refresh(round, first.refresh)).json
        await sql("update auth_refresh_token set used_at = used_at - interval '1 minute' where used_at is not null")
        const [mails] = await sql<{ sent: number }>(
          "select count(*)::int as sent from auth_mail where subject like '%was ended'",
        )
        const answers = await together(20, (index) => refresh(index, first.refresh))
        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]))
        expect([await status(0, second.access), await status(1, second.access)]).toEqual([401, 401])
        const told = await sql<{ sent: number }>(
          "select count(*)::int as sent from auth_mail where subject like '%was ended'",
        )
        expect(told).toEqual([{ sent: (mails?.sent ?? 0) + 1 }])
      }
      const reuses = await sql<{ rows: number }>(
        "select count(*)::int as rows from audit_event where event = 'token_reuse'",
      )
      expect(reuses).toEqual([{ rows: rounds }])
    },
  )

  it('let no exchange outlive a logout at the same time', patience, async () => {
    for (let round = 0; round < rounds; round++) {
      const first = await tokens(round)
      const [refreshed, left] = await Promise.all([
        refresh(0, first.refresh),
        client(1).post('/api/auth/logout', {}, bearer(first.access)),
      ])
      expect(left.status).toBe(204)
      if (refreshed.status !== 200) continue
      expect(await status(round, refreshed.json.access)).toBe(401)
      expect((await refresh(round, refreshed.json.refresh)).status).toBe(401)
    }
  })

  // SES-22, SES-24
  it('have a session that one of them ended ended in the other', async () => {
    const [mine, other] = [await tokens(0), await tokens(1)]
    expect(await status(1, other.access)).toBe(200)
    const headers = bearer(mine.access)
    await client(0).request(`/api/auth/sessions/${claimsOf(other.access).sid}`, { method: 'DELETE', headers })
    expect([await status(1, other.access), (await refresh(1, other.refresh)).status]).toEqual([401, 401])
    expect(await status(1, mine.access)).toBe(200)
  })

  // JWT-15
  it('verify each other’s tokens, by one key that is made once, however many find none at once', patience, async () => {
    for (let round = 0; round < rounds; round++) {
      await sql('delete from auth_signing_key')
      const made = await together(6, tokens)
      const answers = await together(6, (index) => status(index + 1, made[index].access))
      expect(answers).toEqual(made.map(() => 200))
      const sets = await together(2, (index) => client(index).get('/.well-known/jwks.json'))
      expect(sets[0]?.json.keys).toHaveLength(1)
      expect(sets[0]?.text).toBe(sets[1]?.text)
    }
  })

  it('leave one token of a session whose password is changed while it is renewed', patience, async () => {
    let current = password
    for (let round = 0; round < rounds; round++) {
      const first = (await client(round).post('/api/auth/token', { email, password: current })).json
      const next = `${password}, number ${round}`
      const body = { current_password: current, password: next, confirm_password: next }
      const changing = client(0).post('/api/auth/change-password', body, bearer(first.access))
      // The change hashes first: exchanges meet it at different moments.
      await wait(round * 6)
      const [changed, renewed] = await Promise.all([changing, refresh(1, first.refresh)])
      expect(changed.status).toBe(200)
      current = next
      if (renewed.status === 200) expect((await refresh(1, renewed.json.refresh)).status).toBe(401)
      const left = await sql<{ unused: number }>(
        'select count(*)::int as unused from auth_refresh_token where session_id = ? and used_at is null',
        [claimsOf(first.access).sid],
      )
      expect(left).toEqual([{ unused: 1 }])
      expect((await refresh(0, changed.json.refresh)).status).toBe(200)
    }
  })
})

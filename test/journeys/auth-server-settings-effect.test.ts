import { type AuthSettings, createAuthServer } from '@countersign/auth'
import { type CheckpointAnchor, newSigningKey, noteSigner } from '@countersign/core/evidence'
import { describe, expect, it } from 'vitest'
import { type Answer, AuthClient } from '../support/auth-client.js'
import { places, secret, unlimited } from '../support/auth-systems.js'
import { passwordJourneys } from '../support/password-journeys.js'

const { make } =
  places.find(({ name, here }) => here && name === 'PostgreSQL') ?? (places[0] as (typeof places)[number])
const fitting = 'short and sweet'

const settings: Partial<AuthSettings> = {
  publicUrl: 'https://auth.example.org',
  production: true,
  proxies: 1,
  limits: { ...unlimited, password_reset: '2/min' },
  passwordPolicy: { minLength: 8, maxLength: 64 },
  passwordHasher: {
    hash: async (password) => `reversed:${[...password].reverse().join('')}`,
    verify: async (hash, password) => hash === `reversed:${[...password].reverse().join('')}`,
    needsRehash: () => false,
  },
  accessTokens: { lifetime: 120, algorithm: 'HS256', issuer: 'somebody', audience: 'everybody' },
  sessionLifetimes: { usual: { idle: 600, absolute: 1200 }, remembered: { idle: 2400, absolute: 4800 } },
  refreshTokens: { grace: 0, perHour: 2 },
  cookies: { accessName: 'session', refreshName: 'renewal', sameSite: 'strict' },
  allowedOrigins: ['https://app.example.org'],
}

describe('a setting takes effect', () => {
  const on = passwordJourneys(make, settings)
  const home = { origin: 'https://auth.example.org' }
  let accounts = 0

  async function newcomer(): Promise<{ email: string; id: string }> {
    const email = `s${++accounts}@example.org`
    await on.client().post('/api/auth/signup', { email, password: fitting, confirm_password: fitting })
    await on.client().post('/api/auth/verify-account', { token: await tokenOf(email) })
    const [user] = await on.sql<{ id: string }>('select id from auth_user where email_canonical = ?', [email])
    return { email, id: user?.id ?? '' }
  }
  async function tokenOf(email: string): Promise<string> {
    const mail = 'select text from auth_mail where recipient = ? order by id desc limit 1'
    const [sent] = await on.sql<{ text: string }>(mail, [email])
    return /token=([\w-]+)/.exec(sent?.text ?? '')?.[1] ?? ''
  }
  const login = async (email: string, remember_me = false): Promise<{ client: AuthClient; answer: Answer }> => {
    const client = on.client()
    return { client, answer: await client.post('/api/auth/login', { email, password: fitting, remember_me }) }
  }
  const cookie = (answer: Answer, name: string): string =>
    answer.headers.getSetCookie().find((line) => line.startsWith(`${name}=`)) ?? ''

  it('publicUrl: links in mails lead there', async () => {
    const { email } = await newcomer()
    const [mail] = await on.sql<{ text: string }>('select text from auth_mail where recipient = ?', [email])
    expect(mail?.text).toContain('https://auth.example.org/api/auth/verify-account?token=')
  })

  it('production: no mailbox, HTTPS only', async () => {
    expect((await on.client().get('/dev/mailbox.json')).status).toBe(404)
    const { headers } = await on.client().get('/healthz')
    expect(headers.get('strict-transport-security')).toMatch(/max-age=31536000/)
  })

  it('proxies: the address that the last proxy saw is the client’s', async () => {
    const forwarded = { 'x-forwarded-for': '203.0.113.66, 203.0.113.7' }
    const [row] = await on.rowsOf(() => on.client().post('/api/auth/login', { email: 'x', password: 'y' }, forwarded))
    expect(row?.address).toBe('203.0.113.7')
  })

  it('limits: one of ours is replaced, the others stay as they are', async () => {
    const ask = () => on.client().post('/api/auth/password-reset', { email: 'nobody@example.org' })
    expect([(await ask()).status, (await ask()).status, (await ask()).status]).toEqual([202, 202, 429])
  })

  it('passwordPolicy: both lengths', async () => {
    const signup = (password: string) =>
      on.client().post('/api/auth/signup', { email: 'p@example.org', password, confirm_password: password })
    expect((await signup('1 2 3 4')).json.code).toBe('password_too_short')
    expect((await signup(fitting)).status).toBe(202)
    expect((await signup('long '.repeat(13))).json.code).toBe('password_too_long')
  })

  it('passwordHasher: makes and checks the hashes', async () => {
    const { id, email } = await newcomer()
    const [stored] = await on.sql<{ password_hash: string }>('select password_hash from auth_user where id = ?', [id])
    expect(stored?.password_hash).toBe('reversed:teews dna trohs')
    expect((await login(email)).answer.status).toBe(200)
  })

  it('accessTokens: lifetime, algorithm, issuer and audience', async () => {
    const { answer } = await login((await newcomer()).email)
    const token = cookie(answer, '__Host-session').split(/[=;]/)[1] ?? ''
    expect(answer.json.expires_in).toBe(120)
    const [header, claims] = token
      .split('.')
      .slice(0, 2)
      .map((part) => JSON.parse(String(Buffer.from(part, 'base64url'))))
    expect(header.alg).toBe('HS256')
    const { iss, aud, exp, iat } = claims
    expect([iss, aud, exp - iat]).toEqual(['somebody', 'everybody', 120])
  })

  it.each([
    [false, 600, 1200],
    [true, 2400, 4800],
  ])(
    'sessionLifetimes: with "remember me" %s, %d seconds without use and %d in all',
    async (remember, idle, absolute) => {
      const { id, email } = await newcomer()
      await login(email, remember)
      const [session] = await on.sql<{ idle: number; absolute: number }>(
        `select round(extract(epoch from idle_until - created_at))::int as idle,
        round(extract(epoch from expires_at - created_at))::int as absolute from auth_session where user_id = ?`,
        [id],
      )
      expect(session).toEqual({ idle, absolute })
    },
  )

  it('refreshTokens: no grace, and no more exchanges than allowed', async () => {
    const { client } = await login((await newcomer()).email)
    const renew = (by = client) => by.post('/api/auth/refresh', {}, home)
    const old = new AuthClient(client.base)
    old.cookies = new Map(client.cookies)
    expect([(await renew()).status, (await renew()).status, (await renew()).status]).toEqual([200, 200, 429])
    expect((await renew(old)).status).toBe(401)
  })

  it('cookies: names and SameSite', async () => {
    const { answer } = await login((await newcomer()).email)
    expect(cookie(answer, '__Host-session')).toMatch(/; Secure; SameSite=Strict/)
    expect(cookie(answer, '__Host-renewal')).toMatch(/; Secure; SameSite=Strict/)
  })

  it('allowedOrigins: their pages may change something with the session’s cookie, others may not', async () => {
    const { client } = await login((await newcomer()).email)
    const change = async (origin: string) =>
      (
        await client.request('/api/auth/profile', {
          method: 'PATCH',
          headers: { 'content-type': 'application/json', origin },
          body: '{}',
        })
      ).status
    expect([await change('https://evil.example'), await change('https://app.example.org')]).toEqual([403, 200])
  })
})

describe('a setting of the log takes effect', () => {
  const kept: string[] = []
  const anchor: CheckpointAnchor = {
    name: 'here',
    publish: async ({ note }) => void kept.push(note),
    read: async () => kept,
  }
  const signer = noteSigner(newSigningKey('127.0.0.1/audit'))
  const on = passwordJourneys(make, { auditLog: { signer, anchors: [anchor] } })
  it('auditLog.anchors: checkpoints are kept there', async () => {
    await on.system.auth.start()
    await on.login('nobody@example.org', 'wrong')
    await expect.poll(() => kept.at(-1), { timeout: 20_000 }).toMatch(/^127\.0\.0\.1\/audit\n/)
  })
})

describe('a setting takes effect, too, that is', () => {
  const on = passwordJourneys(make, { cookies: { secure: true, prefixed: false, sameSite: 'none' } })
  it('cookies: secure without a prefix, sent along from elsewhere', async () => {
    const { email } = await on.account('c@example.org')
    const answer = await on.client().post('/api/auth/login', { email, password: 'correct horse battery staple' })
    for (const line of answer.headers.getSetCookie())
      expect(line).toMatch(/^(?:[ar]t|device)=.*; Secure; SameSite=None/)
  })

  it('secret: what one server signed is worth nothing to another', async () => {
    const { database, drop } = await make()
    const first = await createAuthServer({ database, secret, publicUrl: 'http://127.0.0.1:3000' })
    await first.services.accounts.ensureAdmin('root@example.org', 'correct horse battery staple')
    const before = first.trail.identifierHash('root@example.org')
    await first.close()
    const second = await createAuthServer({ database, secret: `${secret}!`, publicUrl: 'http://127.0.0.1:3000' })
    expect(second.trail.identifierHash('root@example.org')).not.toBe(before)
    await second.close()
    await drop()
  })
})

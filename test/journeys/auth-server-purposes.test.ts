import { OneTimeTokens, Secrets } from '@countersign/auth'
import { describe, expect, it } from 'vitest'
import type { Answer } from '../support/auth-client.js'
import { places } from '../support/auth-systems.js'
import { password } from '../support/password-journeys.js'
import { twoFactorJourneys } from '../support/two-factor-journeys.js'

const chosen = 'a sentence that is easy to keep'

// REG-06, JWT-09, REG-10
for (const { name, here, make } of places) {
  describe.runIf(here)(`what a token is good for on ${name}`, () => {
    const on = twoFactorJourneys(make)
    const post = (path: string, body: unknown, headers?: Record<string, string>): Promise<Answer> =>
      on.client().post(`/api/auth/${path}`, body, headers)
    const tokenIn = async (to: string, path: string) => {
      const mails = (await on.mails()).filter((mail) => mail.to === to)
      return mails.map(({ text }) => new RegExp(`${path}\\?token=([\\w-]+)`).exec(text)?.[1]).find(Boolean) ?? ''
    }

    /** Every door that takes a token, and what it answers to one of its own. */
    const doors: Readonly<Record<string, (token: string) => Promise<Answer>>> = {
      verification: (token) => post('verify-account', { token }),
      reset: (token) => post('password-reset-confirm', { token, password: chosen, confirm_password: chosen }),
      change: (token) => post('change-email-confirm', { token }),
      undo: (token) => post('change-email-undo', { token }),
      pending: (token) => post('2fa/verify-login', { session_token: token, code: '123456' }),
      refresh: (token) => post('token/refresh', { refresh: token }),
      access: (token) => on.client().get('/api/auth/sessions', { authorization: `Bearer ${token}` }),
      'access cookie': (token) => on.client().get('/api/auth/sessions', { cookie: `at=${token}` }),
      'refresh cookie': (token) => post('refresh', {}, { cookie: `rt=${token}`, 'sec-fetch-site': 'same-origin' }),
    }

    async function everyKind(): Promise<Record<string, string>> {
      const [email, wanted, unverified] = ['kinds@example.org', 'kinds-new@example.org', 'kinds-two@example.org']
      await on.account(email)
      const client = await on.session(email)
      await post('signup', { email: unverified, password, confirm_password: password })
      await client.post('/api/auth/change-email', { new_email: wanted, password })
      await post('password-reset', { email })
      await on.secured('factor@example.org')
      const bearer = await post('token', { email, password })
      return {
        verification: await tokenIn(unverified, 'verify-account'),
        reset: await tokenIn(email, 'reset-password'),
        change: await tokenIn(wanted, 'change-email-confirm'),
        undo: await tokenIn(email, 'change-email-undo'),
        pending: (await on.pending('factor@example.org')).token,
        access: bearer.json.access,
        refresh: bearer.json.refresh,
        device: client.cookies.get('device') ?? '',
      }
    }

    it('is nothing but its purpose: every kind fails at every other door, and counts at its own afterwards', async () => {
      const tokens = await everyKind()
      for (const token of Object.values(tokens)) expect(token.length).toBeGreaterThan(40)
      const own: Readonly<Record<string, string>> = { 'access cookie': 'access', 'refresh cookie': 'refresh' }
      const state = () =>
        on.sql(`select email, password_hash, token_version, verified_at from auth_user order by email`)
      const before = await state()
      for (const [kind, token] of Object.entries(tokens))
        for (const [door, knock] of Object.entries(doors)) {
          if ((own[door] ?? door) === kind) continue
          expect([kind, door, (await knock(token)).status]).toEqual([kind, door, expect.toBeOneOf([400, 401])])
        }
      expect(await state()).toEqual(before)
      const taken: Record<string, number> = {}
      for (const door of ['access', 'verification', 'refresh', 'change', 'undo'] as const)
        taken[door] = (await (doors[door] as (typeof doors)[string])(tokens[door] ?? '')).status
      // The undo ended the reset; until then it was worth something.
      expect(taken).toEqual({ access: 200, verification: 200, refresh: 200, change: 200, undo: 200 })
    })

    it.each(['', ' ', null, 0, [], {}, undefined, '\u0000', 'x'.repeat(600)])('is never %j', async (token) => {
      await on.sql(
        "insert into auth_one_time_token (token_hash, purpose, user_id, created_at, expires_at) select '', 'verify-account', id, now(), now() + interval '1 hour' from auth_user limit 1 on conflict do nothing",
      )
      for (const path of ['verify-account', 'password-reset-confirm', 'change-email-confirm', 'change-email-undo']) {
        const body = path === 'password-reset-confirm' ? { password: chosen, confirm_password: chosen } : {}
        const { status, json } = await post(path, { token, ...body })
        expect([path, status]).toEqual([path, 400])
        expect(['validation_failed', 'invalid_token']).toContain(json.code)
      }
    })

    // REG-02
    it('is 256 bits of chance, made for URLs: ten thousand differ in every place', async () => {
      const tokens = new OneTimeTokens(new Secrets('z'.repeat(32)))
      // It is the tokens that count here, and storing them is tested elsewhere.
      const nowhere = { execute: async () => [] } as never
      const made: string[] = []
      for (let count = 0; count < 10_000; count++) made.push(await tokens.issue(nowhere, 'verify-account', 'somebody'))
      expect(new Set(made).size).toBe(10_000)
      for (const token of made) expect(token).toMatch(/^[\w-]{43}$/)
      for (let place = 0; place < 42; place++) expect(new Set(made.map((token) => token[place])).size).toBe(64)
    })
  })
}

import { describe, expect, it } from 'vitest'
import { places, unlimited } from '../support/auth-systems.js'
import { wrongCode } from '../support/authenticator.js'
import { password } from '../support/password-journeys.js'
import { told, twoFactorJourneys } from '../support/two-factor-journeys.js'

const { make } =
  places.find(({ name, here }) => here && name === 'PostgreSQL') ?? (places[0] as (typeof places)[number])
const failures = { most: 4, seconds: 60, inARow: 6 }
const twoFactor = { issuer: 'Ä & B?', backupCodes: 3, pendingLogin: 60, attempts: 2, failures, recentLogin: 0 }

describe('a setting of second factors takes effect', () => {
  const on = twoFactorJourneys(make, { limits: unlimited, twoFactor })
  const guess = async (email: string, secret: string) => on.verified(email, wrongCode(secret))

  it('twoFactor.recentLogin: after no time, setting one up takes the password', async () => {
    const client = await on.session((await on.account('recent@example.org')).email)
    expect(told(await client.post('/api/auth/2fa/setup'))).toBe('403 reauthentication_required')
    expect(told(await client.post('/api/auth/2fa/setup', { password }))).toBe('200 ok')
  })

  // MFA-22
  it('twoFactor.issuer: apps call the system so, whatever is in it', async () => {
    const client = await on.session((await on.account('issuer@example.org')).email)
    const { otpauth_uri } = (await client.post('/api/auth/2fa/setup', { password })).json
    expect(otpauth_uri).toMatch(/^otpauth:\/\/totp\/%C3%84%20%26%20B%3F:issuer%40example\.org\?secret=\w{32}&issuer=/)
    expect(new URL(otpauth_uri).searchParams.get('issuer')).toBe('Ä & B?')
  })

  it('twoFactor.backupCodes: an account has so many', async () => {
    expect((await on.secured('codes@example.org')).codes).toHaveLength(3)
  })

  it('twoFactor.pendingLogin: a login waits so long', async () => {
    const { email } = await on.secured('pending@example.org')
    const answer = await on.client().post('/api/auth/login', { email, password })
    expect(answer.headers.getSetCookie()[0]).toContain('Max-Age=60;')
    const [kept] = await on.sql<{ seconds: number }>(
      `select extract(epoch from expires_at - now())::float8 as seconds from auth_short_lived where key not like '%:attempts'
       order by expires_at desc limit 1`,
    )
    expect(kept?.seconds).toBeGreaterThan(40)
    expect(kept?.seconds).toBeLessThanOrEqual(60)
  })

  it('twoFactor.attempts: so many codes may be tried at one login', async () => {
    const { email, secret } = await on.secured('attempts@example.org')
    const waiting = await on.pending(email)
    for (const answer of ['400 invalid_totp', '400 invalid_totp', '401 session_expired'])
      expect(told(await on.verify(waiting, wrongCode(secret)))).toBe(answer)
  })

  it('twoFactor.failures.most: so many wrong codes may an account have', async () => {
    const { email, secret } = await on.secured('most@example.org')
    for (let wrong = 0; wrong < 4; wrong++) expect(told(await guess(email, secret))).toBe('400 invalid_totp')
    expect(told(await guess(email, secret))).toBe('429 throttled')
  })

  it('twoFactor.failures.seconds: so long no code is taken then', async () => {
    const { email, secret } = await on.secured('seconds@example.org')
    for (let wrong = 0; wrong < 4; wrong++) await guess(email, secret)
    const wait = Number((await guess(email, secret)).headers.get('retry-after'))
    expect(wait).toBeGreaterThan(30)
    expect(wait).toBeLessThanOrEqual(60)
  })

  it('twoFactor.failures.inARow: so many wrong codes in a row, and only an administrator helps', async () => {
    const { id, email, secret } = await on.secured('row@example.org')
    for (let wrong = 0; wrong < 6; wrong++) {
      await on.sql('update auth_second_factor set failures = 0 where user_id = ?', [id])
      expect(told(await guess(email, secret))).toBe('400 invalid_totp')
    }
    await on.sql('update auth_second_factor set failures = 0, failures_until = null where user_id = ?', [id])
    expect(told(await on.verified(email, on.code(secret)))).toBe('429 throttled')
    expect((await on.mails())[0]).toMatchObject({ to: email, text: expect.stringContaining('until an administrator') })
  })
})

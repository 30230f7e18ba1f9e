import type { AuthSettings } from '@countersign/auth'
import { describe, expect, it } from 'vitest'
import { quickest, unlimited } from '../support/auth-systems.js'
import { password, passwordJourneys } from '../support/password-journeys.js'

const wrong = 'some other horse battery staple'
const unset = (...names: string[]) => Object.fromEntries(names.map((name) => [name, undefined]))

// As JavaScript may write it, or a program that reads its settings from somewhere.
const settings = {
  limits: unlimited,
  lockouts: {
    account: unset('failures', 'window', 'duration', 'longest'),
    address: unset('failures', 'window', 'duration'),
  },
  passwordPolicy: unset('minLength', 'maxLength', 'siteNames'),
  linkLifetimes: unset('verify-account', 'password-reset'),
  sessionLifetimes: { usual: unset('idle', 'absolute'), remembered: undefined },
} as unknown as Partial<AuthSettings>

describe('a setting that is undefined was not set', () => {
  const on = passwordJourneys(quickest, settings)

  it('lockouts: five failures lock an identifier for a quarter of an hour, and then for half an hour', async () => {
    const { email } = await on.account('ada@example.org')
    expect(await on.login(email, password)).toBe(200)
    for (let failure = 0; failure < 5; failure++) expect(await on.login(email, wrong)).toBe(401)
    const { status, headers } = await on.client().post('/api/auth/login', { email, password })
    expect(status).toBe(429)
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(880)
    await on.sql("update auth_lockout set locked_until = now() where kind = 'account'")
    for (let failure = 0; failure < 5; failure++) expect(await on.login(email, wrong)).toBe(401)
    const again = await on.client().post('/api/auth/login', { email, password })
    expect(Number(again.headers.get('retry-after'))).toBeGreaterThan(1780)
  })

  it('lockouts: a hundred failures lock an address', async () => {
    await on.sql('delete from auth_lockout')
    for (let failure = 0; failure < 99; failure++) await on.login(`nobody-${failure}@example.org`, wrong)
    expect(await on.login('last@example.org', wrong)).toBe(401)
    expect(await on.login('late@example.org', wrong)).toBe(429)
    await on.sql('delete from auth_lockout')
  })

  it('passwordPolicy: fourteen characters are too few', async () => {
    const typed = 'moss and rain!'
    const body = { email: 'short@example.org', password: typed, confirm_password: typed }
    expect((await on.client().post('/api/auth/signup', body)).json.code).toBe('password_too_short')
  })

  it('linkLifetimes, sessionLifetimes: a link and a session are good for their time', async () => {
    const { email } = await on.account('grace@example.org')
    expect((await on.confirm(await on.resetToken(email), wrong)).status).toBe(200)
    expect(await on.login(email, wrong)).toBe(200)
  })
})

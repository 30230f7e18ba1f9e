import { randomBytes } from 'node:crypto'
import { type AuthSettings, createAuthServer, weaknessOf } from '@countersign/auth'
import { describe, expect, it } from 'vitest'
import { secret } from '../support/auth-systems.js'

// No folder can be there: what is refused has opened nothing.
const sound: AuthSettings = { database: { folder: '/dev/null/nowhere' }, secret, publicUrl: 'http://127.0.0.1:3000' }

async function reportOf(settings: object, without: string[] = []): Promise<string[]> {
  const given = Object.fromEntries(
    Object.entries({ ...sound, ...settings }).filter(([name]) => !without.includes(name)),
  )
  const refusal = await createAuthServer(given as unknown as AuthSettings).then(
    () => Promise.reject(new Error('It started.')),
    (error: { code: string; message: string }) => error,
  )
  expect(refusal.code).toBe('SETTING_INVALID')
  return refusal.message.split('\n- ').slice(1)
}

describe('a server whose settings are not right does not start', () => {
  it('and says everything that is wrong in one report', async () => {
    const report = await reportOf({
      secret: 'changeme',
      publicUrl: 'https://example.org/path',
      colour: 'red',
      limits: { login: 'many' },
      accessTokens: { lifetime: 0, algorithm: 'none', ttl: 5 },
      passwordPolicy: { minLength: 4, maxLength: 20 },
    })
    expect(report).toHaveLength(9)
    for (const fault of report) expect(fault).toMatch(/^[\w.]+ (?:must be|has|is no setting)/)
  })

  it.each([
    ['unknown', { passwordLength: 8 }, /^passwordLength is no setting; there are: database, secret/],
    ['inherited by every object', { constructor: 1 }, /^constructor is no setting/],
    ['unknown in a group', { cookies: { httpOnly: false } }, /^cookies\.httpOnly is no setting; there are: accessName/],
    ['of another type', { production: 'yes' }, /^production must be true or false, and was 'yes'$/],
    ['no group', { cookies: true }, /^cookies must be an object, and was true$/],
    ['null', { consentVersion: null }, /^consentVersion must be/],
    ['out of range', { accessTokens: { lifetime: 86_400 } }, /^accessTokens\.lifetime must be .* from 1 to 3600/],
    ['no whole number', { refreshTokens: { grace: 0.5 } }, /^refreshTokens\.grace must be a whole number/],
    ['no number', { refreshTokens: { grace: Number.NaN } }, /^refreshTokens\.grace must be a whole number/],
    ['no limit', { limits: { login: { address: '10/min', other: '1/s' } } }, /^limits\.login must be '10\/min'/],
    ['no origin', { publicUrl: 'https://user:pw@example.org' }, /^publicUrl must be an origin/],
    ['no address of the web', { publicUrl: 'ftp://example.org' }, /^publicUrl must be an origin/],
    ['a wildcard', { allowedOrigins: ['*'] }, /^allowedOrigins\[0\] must be an exact origin/],
    ['trust in everybody', { proxies: true }, /^proxies must be .* write its own address, and was true$/],
    ['no database', { database: {} }, /^database must be \{ url \}/],
    ['two databases', { database: { url: 'postgres://x', folder: 'y' } }, /^database must be \{ url \}/],
    ['no client', { redis: 'redis://127.0.0.1' }, /^redis must be a client of ioredis/],
    [
      'an address without its slash',
      { breachedPasswords: { url: 'https://x.example/range' } },
      /^breachedPasswords\.url/,
    ],
    [
      'an address that can not be read',
      { breachedPasswords: { url: 'http://[/' } },
      /^breachedPasswords\.url must be an http or https address that ends with a slash$/,
    ],
    [
      'an address with a password in it',
      { breachedPasswords: { url: 'https://ada:hunter2@x.example/range/' } },
      /^breachedPasswords\.url must have no user or password in it$/,
    ],
    ['a token that can be guessed', { metricsToken: 'guess' }, /^metricsToken must be 16 characters or more/],
    ['an unheard-of algorithm', { accessTokens: { algorithm: 'none' } }, /^accessTokens\.algorithm must be one of/],
  ])('because of one that is %s', async (_what, settings, fault) => {
    expect(await reportOf(settings)).toEqual([expect.stringMatching(fault)])
  })

  it.each([
    [
      'sessions that are idle for longer than they live',
      { sessionLifetimes: { usual: { idle: 7200, absolute: 3600 } } },
    ],
    ['two cookies of one name', { cookies: { accessName: 'rt' } }],
    ['cookies for other sites without HTTPS', { cookies: { sameSite: 'none' } }],
    ['prefixed cookies without HTTPS', { cookies: { prefixed: true } }],
    ['locks that shrink', { lockouts: { account: { duration: 900, longest: 300 } } }],
    ['personal fields that outlive their rows', { auditLog: { retention: { days: 30, personalDays: 60 } } }],
  ])('because of settings that contradict each other: %s', async (_what, settings) => {
    expect(await reportOf(settings)).toHaveLength(1)
  })

  // SES-02
  it('because of what is good enough for development and not for production', async () => {
    const report = await reportOf({
      production: true,
      cookies: { secure: false },
      allowedOrigins: ['http://a.example'],
      breachedPasswords: { url: 'http://leaks.example/range/' },
    })
    expect(report).toEqual([
      expect.stringMatching(/^publicUrl must be an https address in production/),
      expect.stringMatching(/^cookies\.secure must not be false in production/),
      expect.stringMatching(/^allowedOrigins must be https in production/),
      expect.stringMatching(/^breachedPasswords\.url must be an https address in production/),
    ])
  })

  it('but not because leaks are asked for on the machine itself, in production as well', async () => {
    for (const host of ['localhost:8080', '127.0.0.1', '[::1]:8080'])
      expect(await reportOf({ production: true, breachedPasswords: { url: `http://${host}/range/` } })).toEqual([
        expect.stringMatching(/^publicUrl/),
      ])
  })

  it('because one of those is missing that have no default', async () => {
    expect(await reportOf({}, ['secret', 'publicUrl'])).toEqual(['secret is missing', 'publicUrl is missing'])
  })

  it('and repeats no secret', async () => {
    const report = await reportOf({
      secret: 'hunter2-hunter2',
      metricsToken: 'hunter2',
      database: { url: '', folder: '', password: 'hunter2' },
    })
    expect(report).toHaveLength(3)
    expect(report.join('')).not.toContain('hunter2')
  })
})

// JWT-15
describe('a secret', () => {
  it.each([
    ['x'.repeat(64)],
    ['changeme'.repeat(8)],
    ['change-me-change-me-change-me-change-me'],
    ['my-secret-password-my-secret-password'],
    ['0123456789abcdef0123456789abcdef'.slice(0, 31)],
    ['abababababababababababababababababababab'],
    ['00000000000000000000000000000000000001'],
    [Buffer.alloc(32)],
    [''],
  ])('%j is one that could be guessed', (weak) => expect(weaknessOf(weak)).not.toBeNull())

  it('of random bytes is none, in whatever form it is written', () => {
    for (let round = 0; round < 500; round++) {
      const bytes = randomBytes(32)
      for (const form of [bytes, bytes.toString('hex'), bytes.toString('base64'), bytes.toString('base64url')])
        expect(weaknessOf(form)).toBeNull()
    }
  })
})

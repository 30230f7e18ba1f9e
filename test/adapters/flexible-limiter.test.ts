import { flexibleLimiter } from '@countersign/adapters/rate-limiter-flexible'
import { describe, expect, it } from 'vitest'
import { codeOf, sleep } from '../support/recording.js'

describe('flexibleLimiter', () => {
  it('knows the scopes it was configured with, switched-off ones included', () => {
    const limiter = flexibleLimiter({ scopes: { login: '10/min', signup: null } })
    expect([...limiter.scopes].sort()).toEqual(['login', 'signup'])
    expect(limiter.name).toContain('memory')
  })

  it('refuses a limit that is none when it is made', () => {
    expect(codeOf(() => flexibleLimiter({ scopes: { login: 'often' } }))).toBe('LIMIT_INVALID')
  })

  it.each([
    ['nothing', undefined, 'LIMIT_INVALID'],
    ['no scopes', {}, 'LIMIT_INVALID'],
    ['a store that takes no query', { scopes: { login: '1/h' }, store: {} }, 'SETTING_INVALID'],
  ])('refuses %s', (_, options, code) => {
    expect(codeOf(() => flexibleLimiter(options as never))).toBe(code)
  })

  it.each([
    ['the rows', (rows: object[]) => rows],
    ['an object with the rows, as pg and PGlite do', (rows: object[]) => ({ rows })],
  ])('takes a store that answers with %s', async (_, answer) => {
    const store = { query: async () => answer([{ points: '1', expire: String(Date.now() + 60_000) }]) }
    const limiter = flexibleLimiter({ scopes: { login: '2/min' }, store })
    expect(await limiter.reserve('login', 'address', '192.0.2.1')).toMatchObject({ allowed: true, remaining: 1 })
  })

  it('refuses to count and to forget in a scope that it does not know', async () => {
    const limiter = flexibleLimiter({ scopes: { login: '10/min' } })
    await expect(limiter.reserve('signup', 'address', 'x')).rejects.toMatchObject({ code: 'SCOPE_UNKNOWN' })
    await expect(limiter.clear('signup', 'address', 'x')).rejects.toMatchObject({ code: 'SCOPE_UNKNOWN' })
    await expect(limiter.reserve('constructor', 'address', 'x')).rejects.toMatchObject({ code: 'SCOPE_UNKNOWN' })
  })

  it('forgets nothing, without complaint, where nothing is counted', async () => {
    const limiter = flexibleLimiter({ scopes: { login: '10/min', off: null } })
    await limiter.clear('login', 'failures', 'x')
    await limiter.clear('off', 'address', 'x')
  })

  it('shares nothing with another one', async () => {
    const scopes = { login: '1/h' }
    const [one, two] = [flexibleLimiter({ scopes }), flexibleLimiter({ scopes })]
    await one.reserve('login', 'address', '192.0.2.1')
    expect((await two.reserve('login', 'address', '192.0.2.1'))?.allowed).toBe(true)
  })

  it('tells long keys apart by more than their beginning', async () => {
    const limiter = flexibleLimiter({ scopes: { login: { identifier: '1/h' } } })
    const long = 'x'.repeat(5000)
    expect((await limiter.reserve('login', 'identifier', `${long}a`))?.allowed).toBe(true)
    expect((await limiter.reserve('login', 'identifier', `${long}b`))?.allowed).toBe(true)
    expect((await limiter.reserve('login', 'identifier', `${long}a`))?.allowed).toBe(false)
  })

  it('counts what is no address by its text', async () => {
    const limiter = flexibleLimiter({ scopes: { login: '1/h' } })
    expect((await limiter.reserve('login', 'address', 'unix:'))?.allowed).toBe(true)
    expect((await limiter.reserve('login', 'address', 'unix:'))?.allowed).toBe(false)
  })

  it('says when the window ends, in whole seconds, and never promises it too early', async () => {
    const limiter = flexibleLimiter({ scopes: { login: '1/min' } })
    const begun = Date.now()
    const first = await limiter.reserve('login', 'address', 'x')
    expect(first).toEqual({ allowed: true, limit: 1, remaining: 0, resetAfter: 60, window: 60 })
    const opens = Date.now() + 60_000
    await sleep(300)
    const asked = Date.now()
    const promised = ((await limiter.reserve('login', 'address', 'x'))?.resetAfter ?? 0) * 1000
    expect(Date.now() + promised, 'not before the window ends').toBeGreaterThanOrEqual(begun + 60_000)
    expect(asked + promised, 'and within a second of it').toBeLessThan(opens + 1000)
  })

  it('refuses a window that is longer than a timer can be, which it could not keep', () => {
    expect(() => flexibleLimiter({ scopes: { data_export_request: '1/30day' } })).toThrow(/longer than 24 days/)
  })
})

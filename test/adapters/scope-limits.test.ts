import { AuditError } from '@countersign/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ScopeLimits, windowsOf } from '../../packages/adapters/dist/rate-limiter-flexible/scope-limits.js'
import { codeOf } from '../support/recording.js'

const seconds: Record<string, number> = { s: 1, sec: 1, m: 60, min: 60, h: 3600, hour: 3600, d: 86_400, day: 86_400 }

const windowOf = (limit: string) => windowsOf({ login: limit }).get('login')?.get('address')

describe('a limit', () => {
  it.each([
    ['10/min', 10, 60],
    ['5/5min', 5, 300],
    ['100/h', 100, 3600],
    ['2/day', 2, 86_400],
    ['20/30s', 20, 30],
    ['1/24 hour', 1, 86_400],
  ])('%s is %i in %i seconds', (text, points, window) => {
    expect(windowOf(text)).toEqual({ points, seconds: window })
  })

  it('is what it says, in every unit', () => {
    const unit = fc.constantFrom(...Object.keys(seconds))
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 999_999 }),
        fc.integer({ min: 1, max: 20 }),
        unit,
        (points, count, name) => {
          expect(windowOf(`${points}/${count}${name}`)).toEqual({
            points,
            seconds: count * (seconds[name] as number),
          })
        },
      ),
    )
  })

  it.each([
    '10',
    '/min',
    '10/',
    '10/fortnight',
    '0/min',
    '-1/min',
    '1.5/min',
    '10/0min',
    '10 / min',
    '10/min ',
    '1e3/h',
  ])('is none: %j', (text) => expect(codeOf(() => windowOf(text))).toBe('LIMIT_INVALID'))

  it('is parsed or refused with LIMIT_INVALID, and positive when it is parsed', () => {
    const alike = fc.stringMatching(/^\d{0,7}\/?\d{0,6} ?[a-z]{0,4}$/)
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ minLength: 1 }),
          alike.filter((text) => text !== ''),
        ),
        (text) => {
          try {
            const window = windowOf(text)
            expect(window?.points).toBeGreaterThan(0)
            expect(window?.seconds).toBeGreaterThan(0)
          } catch (error) {
            expect(error).toBeInstanceOf(AuditError)
            expect((error as AuditError).code).toBe('LIMIT_INVALID')
          }
        },
      ),
    )
  })

  it('that is none names itself, its scope and what to write', () => {
    expect(() => windowOf('ten')).toThrow(/'ten' of 'login'.*'10\/min'/)
  })
})

describe('the limits of scopes', () => {
  it('count by address alone when they are a text, and by nothing when they are null', () => {
    const windows = windowsOf({ login: '10/min', signup: null })
    expect([...(windows.get('login') ?? [])]).toEqual([['address', { points: 10, seconds: 60 }]])
    expect(windows.get('signup')?.size).toBe(0)
  })

  it('count by address, identifier and failures', () => {
    const windows = windowsOf({ login: { address: '10/min', identifier: '20/h', failures: '5/5min' } })
    expect([...(windows.get('login')?.keys() ?? [])].sort()).toEqual(['address', 'failures', 'identifier'])
  })

  it('count by nothing where a respect is null', () => {
    expect([
      ...(windowsOf({ login: { address: null, failures: '5/min' } })
        .get('login')
        ?.keys() ?? []),
    ]).toEqual(['failures'])
  })

  it.each(['Login', 'login.burst', 'log in', ''])('are refused for the scope %j', (scope) => {
    expect(codeOf(() => windowsOf({ [scope]: '10/min' }))).toBe('LIMIT_INVALID')
  })

  it.each<[string, unknown]>([
    ['an empty text, as an unset variable leaves it', ''],
    ['an empty text in one respect', { address: '' }],
    ['a misspelt respect', { adress: '10/min' }],
    ['a number', 10],
    ['a list', ['10/min']],
    ['undefined, as an unset variable leaves it', undefined],
    ['undefined in one respect', { address: undefined, failures: '5/min' }],
    ['without a respect', {}],
  ])('are refused, not switched off, when they are %s', (_, limit) => {
    expect(codeOf(() => windowsOf({ login: limit } as ScopeLimits))).toBe('LIMIT_INVALID')
    expect(() => windowsOf({ login: limit } as ScopeLimits)).toThrow(/'login'.*Write '10\/min'.*or null/)
  })

  it.each([[[]], [['10/min']], [null], [undefined], ['10/min']])('have names: %j is refused', (scopes) => {
    expect(codeOf(() => windowsOf(scopes as never))).toBe('LIMIT_INVALID')
  })
})

import assert from 'node:assert/strict'
import type { AuditLimiter, LimitedBy } from '../limiter.js'
import { rowId } from '../row-id.js'
import type { ConformanceCase } from './conformance-case.js'

/**
 * What every limiter must do. It must be configured with the scopes
 * `conformance: { address: '5/min', identifier: '3/min', failures: '3/min' }`, `conformance_brief: '1/2s'` and
 * `conformance_off: null`.
 */
export function limiterCases(limiter: () => AuditLimiter): ConformanceCase[] {
  const reserve = (key: string, by: LimitedBy = 'address'): ReturnType<AuditLimiter['reserve']> =>
    limiter().reserve('conformance', by, key)
  const perIdentifier: readonly LimitedBy[] = ['identifier', 'failures']
  return [
    {
      title: 'allows as many attempts as the window has, and says how many are left',
      run: async () => {
        const key = rowId()
        for (const remaining of [4, 3, 2, 1, 0]) {
          const reservation = await reserve(key)
          assert.equal(reservation?.allowed, true)
          assert.equal(reservation?.remaining, remaining)
          assert.equal(reservation?.limit, 5)
          assert.equal(reservation?.window, 60)
        }
        const refused = await reserve(key)
        assert.equal(refused?.allowed, false)
        assert.equal(refused?.remaining, 0)
        assert.ok(
          Number.isInteger(refused?.resetAfter) && (refused?.resetAfter ?? 0) >= 1,
          'whole seconds, at least one',
        )
      },
    },
    {
      title: 'never allows more than the limit to parallel attempts',
      run: async () => {
        const key = rowId()
        const all = await Promise.all(Array.from({ length: 50 }, () => reserve(key)))
        assert.equal(all.filter((reservation) => reservation?.allowed).length, 5)
      },
    },
    {
      title: 'counts addresses, identifiers and failures apart, and each key by itself',
      run: async () => {
        const key = rowId()
        for (const by of perIdentifier) {
          for (let attempt = 0; attempt < 3; attempt++) assert.equal((await reserve(key, by))?.allowed, true)
          assert.equal((await reserve(key, by))?.allowed, false)
          assert.equal((await reserve(rowId(), by))?.allowed, true)
        }
        assert.equal((await reserve(key, 'address'))?.allowed, true)
      },
    },
    {
      title: 'forgets what was counted when told to, in that respect and no other',
      run: async () => {
        const key = rowId()
        for (const by of perIdentifier) for (let attempt = 0; attempt < 4; attempt++) await reserve(key, by)
        await limiter().clear('conformance', 'failures', key)
        assert.equal((await reserve(key, 'failures'))?.remaining, 2)
        assert.equal((await reserve(key, 'identifier'))?.allowed, false)
        await limiter().clear('conformance', 'identifier', key)
        assert.equal((await reserve(key, 'identifier'))?.remaining, 2)
      },
    },
    {
      title: 'opens again when the window has passed',
      run: async () => {
        const key = rowId()
        const brief = (): ReturnType<AuditLimiter['reserve']> => limiter().reserve('conformance_brief', 'address', key)
        assert.equal((await brief())?.allowed, true)
        const refused = await brief()
        assert.equal(refused?.allowed, false)
        await new Promise((resolve) => setTimeout(resolve, (refused?.resetAfter ?? 2) * 1000 + 50))
        assert.equal((await brief())?.allowed, true)
      },
    },
    {
      title: 'folds an IPv6 address to its /64, and knows an IPv4 address in any spelling',
      run: async () => {
        const network = `2001:db8:${rowId().slice(9, 13)}:${rowId().slice(-4)}`
        for (let host = 1; host <= 5; host++) assert.equal((await reserve(`${network}::${host}`))?.allowed, true)
        assert.equal((await reserve(`${network}:FFFF::6`))?.allowed, false)
        const [a, b] = [Number.parseInt(rowId().slice(-2), 16), Number.parseInt(rowId().slice(-4, -2), 16)]
        const spellings = [`198.18.${a}.${b}`, `::ffff:198.18.${a}.${b}`, `::FFFF:198.18.${a}.${b}`]
        for (let attempt = 0; attempt < 5; attempt++) await reserve(spellings[attempt % 3] as string)
        assert.equal((await reserve(`198.18.${a}.${b}`))?.allowed, false)
      },
    },
    {
      title: 'limits nothing in a scope that is switched off, or in a respect that has no limit',
      run: async () => {
        assert.equal(await limiter().reserve('conformance_off', 'address', 'x'), null)
        assert.ok(limiter().scopes.has('conformance_off'))
      },
    },
    {
      title: 'refuses a scope it was not configured with',
      run: async () => {
        await assert.rejects(limiter().reserve('nowhere', 'address', 'x'), { code: 'SCOPE_UNKNOWN' })
      },
    },
  ]
}

import { AuditedCall } from '@countersign/core'
import { expect, it } from 'vitest'
import { onlyRow, recording } from '../support/recording.js'

it.each([
  [2.5, 0.2, 3, 1],
  [5, 17.01, 5, 18],
  [2 ** 40, Number.POSITIVE_INFINITY, 2_147_483_647, 2_147_483_647],
  [-1, -0.5, 0, 0],
  [Number.NaN, '7', null, null],
])('a limiter that answers %d and %d costs no row: it says %d and %d', async (limit, retryAfter, limits, seconds) => {
  const recorded = recording()
  const call = new AuditedCall(recorded.trail, {}, { className: null, actor: null }, 'post', undefined)
  call.open('login').throttling = { scope: 'login', by: 'address', limit, retryAfter: retryAfter as number }
  await call.close({})
  const row = onlyRow(recorded)
  expect([row.limit, row.retryAfter]).toEqual([limits, seconds])
  expect(Object.is(row.retryAfter, -0)).toBe(false)
})

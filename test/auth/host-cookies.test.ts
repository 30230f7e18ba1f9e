import { HostCookie } from '@countersign/auth'
import type { Response } from 'express'
import { expect, it } from 'vitest'

const development = { secure: false, prefixed: true }
const production = { secure: true, prefixed: true }

const read = (cookie: string | undefined, rules = development) =>
  new HostCookie('at', 'lax', rules).read({ headers: cookie === undefined ? {} : { cookie } })

it.each([
  ['at=x', 'x'],
  ['a=1; at=x; b=2', 'x'],
  ['at=%20x', ' x'],
  ['at=', ''],
  ['at=%E0%A4%A', '%E0%A4%A'],
])('of %j is read %j', (cookie, value) => expect(read(cookie)).toBe(value))

it.each([undefined, '', 'at', 'AT=x', 'xat=x', 'at =', 'b=at=x', 'at=x; at=y', 'at=x;at=x', '__Host-at=x'])(
  'nothing is read of %j',
  (cookie) => expect(read(cookie) || null).toBe(null),
)

it('has a prefix where it is sent over HTTPS only, unless that is not wanted', () => {
  const names = [development, production, { secure: true, prefixed: false }].map(
    (rules) => new HostCookie('at', 'lax', rules).name,
  )
  expect(names).toEqual(['at', '__Host-at', 'at'])
  expect(read('__Host-at=x', production)).toBe('x')
  expect(read('__host-at=x', production)).toBe(null)
})

it('is cleared with the attributes that it was set with', () => {
  const given: unknown[] = []
  const response = {
    cookie: (...told: unknown[]) => given.push(told),
    clearCookie: (...told: unknown[]) => given.push(told),
  } as unknown as Response
  const cookie = new HostCookie('rt', 'strict', production)
  const attributes = { httpOnly: true, secure: true, sameSite: 'strict', path: '/' }
  cookie.set(response, 'x', 60)
  cookie.set(response, 'x', null)
  cookie.clear(response)
  expect(given).toEqual([
    ['__Host-rt', 'x', { ...attributes, maxAge: 60_000 }],
    ['__Host-rt', 'x', attributes],
    ['__Host-rt', attributes],
  ])
})

import { isSnakeCase } from '@countersign/core'
import fc from 'fast-check'
import { expect, it } from 'vitest'

it.each(['login', 'password_reset_request', 'a', 'two_factor_2', 'x1', 'a'.repeat(64)])(
  'takes %j for a name',
  (name) => {
    expect(isSnakeCase(name)).toBe(true)
  },
)

it.each([
  ...['', 'Login', 'passwordReset', 'password-reset', 'login.failure', 'log in', '_login', 'login_', 'log__in', '1st'],
  ...['a'.repeat(65), 'lögin', 'login\n', '*', 7, null, undefined, {}, ['login']],
])('does not take %j for a name', (name) => {
  expect(isSnakeCase(name)).toBe(false)
})

it('answers for anything without throwing', () => {
  fc.assert(fc.property(fc.anything(), (value) => typeof isSnakeCase(value) === 'boolean'))
})

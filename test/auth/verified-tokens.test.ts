import { afterEach, expect, it, vi } from 'vitest'
import { VerifiedTokens } from '../../packages/auth/dist/sessions/verified-tokens.js'

afterEach(() => {
  vi.useRealTimers()
})

const claims = (userId: string, expiresAt = Date.now() / 1000 + 600) => ({
  ...{ userId, sessionId: 's', tokenVersion: 0, kid: 'k' },
  expiresAt,
})

it('are known by the whole token until it expires', () => {
  vi.useFakeTimers()
  const tokens = new VerifiedTokens()
  tokens.keep('a.b.c', claims('ada'))
  expect(tokens.get('a.b.c')?.userId).toBe('ada')
  for (const other of ['a.b.', 'a.b.d', 'A.b.c', 'a.b.c ']) expect(tokens.get(other)).toBe(null)
  vi.advanceTimersByTime(599_000)
  expect(tokens.get('a.b.c')).not.toBe(null)
  vi.advanceTimersByTime(1000)
  expect(tokens.get('a.b.c')).toBe(null)
})

it('are forgotten, the first ones first, when there are too many', () => {
  const tokens = new VerifiedTokens()
  for (let number = 0; number < 5001; number++) tokens.keep(String(number), claims(String(number)))
  expect([tokens.get('0'), tokens.get('1')?.userId, tokens.get('5000')?.userId]).toEqual([null, '1', '5000'])
})

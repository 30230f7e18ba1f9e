import { AuditError, Throttled } from '@countersign/core'
import { expect, it } from 'vitest'

const hit = { scope: 'login', by: 'address', limit: 10, retryAfter: 17 } as const

it('is an AuditError that frameworks answer with 429', () => {
  const error = new Throttled(hit, { detail: 'slow down' })
  expect(error).toBeInstanceOf(AuditError)
  expect(error).toMatchObject({
    code: 'THROTTLED',
    httpCode: 429,
    reason: 'throttled',
    hit,
    body: { detail: 'slow down' },
  })
  expect(error.message).toContain('17 second')
})

it('has no body of its own', () => {
  expect(new Throttled(hit).body).toBeUndefined()
})

import { AuditError, auditErrorCodes } from '@countersign/core'
import { expect, it } from 'vitest'

it('carries its code, its message and its cause', () => {
  const cause = new Error('disk full')
  const error = new AuditError('ROW_LOST', 'One row is lost.', { cause })
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({ name: 'AuditError', code: 'ROW_LOST', message: 'One row is lost.', cause })
})

it('has no cause unless one was given', () => {
  expect('cause' in new AuditError('ROW_LOST', 'One row is lost.')).toBe(false)
})

it('knows each code once', () => {
  expect(auditErrorCodes).toEqual([...new Set(auditErrorCodes)])
})

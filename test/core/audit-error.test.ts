import { AuditError, auditErrorCodes } from '@countersign/core'
import { expect, it } from 'vitest'
import { bare, tableOf } from '../support/document-tables.js'

it('carries its code, its message and its cause', () => {
  const cause = new Error('disk full')
  const error = new AuditError('ROW_LOST', 'One row is lost.', { cause })
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({ name: 'AuditError', code: 'ROW_LOST', message: 'One row is lost.', cause })
})

it('has no cause unless one was given', () => {
  expect('cause' in new AuditError('ROW_LOST', 'One row is lost.')).toBe(false)
})

it('knows each code once, and those of docs/errors.md', () => {
  expect(auditErrorCodes).toEqual([...new Set(auditErrorCodes)])
  expect(tableOf('docs/errors.md').map(([code]) => bare(code))).toEqual([...auditErrorCodes])
})

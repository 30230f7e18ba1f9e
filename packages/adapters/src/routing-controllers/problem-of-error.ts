import { AuditError, type AuditErrorCode, isSnakeCase, reasonFor, statusOf } from '@countersign/core'
import type { ValidationError } from 'class-validator'
import { problemOfMulter } from './multipart.js'
import type { FieldProblem, Problem } from './problem.js'

const codeOfParserError: Readonly<Record<string, string>> = {
  'entity.parse.failed': 'malformed_body',
  'entity.too.large': 'payload_too_large',
  'encoding.unsupported': 'unsupported_media_type',
  'charset.unsupported': 'unsupported_media_type',
  'request.size.invalid': 'malformed_body',
  'request.aborted': 'client_disconnected',
}

const codeOfErrorName: Readonly<Record<string, string>> = {
  AuthorizationRequiredError: 'unauthenticated',
  AccessDeniedError: 'forbidden',
  ParamRequiredError: 'validation_failed',
  InvalidParamError: 'validation_failed',
  ParamNormalizationError: 'validation_failed',
  ParameterParseJsonError: 'malformed_body',
  URIError: 'invalid_request',
}

const problemOfAuditError: { readonly [Code in AuditErrorCode]?: Problem } = {
  QUERY_INVALID: { status: 400, code: 'invalid_query' },
  CURSOR_INVALID: { status: 400, code: 'invalid_cursor' },
  HOLD_INVALID: { status: 400, code: 'invalid_request' },
  REQUEST_INVALID: { status: 400, code: 'invalid_request' },
  REQUEST_OWN: { status: 403, code: 'forbidden' },
  REQUEST_DECIDED: { status: 409, code: 'conflict' },
  LIMITER_FAILED: { status: 503, code: 'unavailable' },
  UNRECORDABLE: { status: 503, code: 'unavailable' },
}

/** What a thrown error may tell the client. It may be anything, also something that throws when it is looked at. */
export function problemOf(error: unknown): Problem {
  try {
    return told(error)
  } catch {
    return { status: 500, code: 'internal_error' }
  }
}

function told(error: unknown): Problem {
  const own = error instanceof AuditError ? problemOfAuditError[error.code] : problemOfMulter(error)
  // What a query got wrong is said in our own words, never in the client's.
  if (own && !(error instanceof AuditError)) return own
  if (own) return own.status < 500 ? { ...own, detail: (error as AuditError).message } : own
  const status = statusOf(error) ?? (error instanceof URIError ? 400 : 500)
  const { type, name, code, errors, expose, message, retryAfter } = (error ?? {}) as Record<string, unknown>
  // A `reason` is for the row: it may say more than the client should learn.
  const known = codeOfParserError[String(type)] ?? codeOfErrorName[String(name)] ?? codeOfSyntaxError(name, status)
  if (Array.isArray(errors) && status === 400) {
    return { status, code: 'validation_failed', errors: fieldProblems(errors as ValidationError[]) }
  }
  const shown = isSnakeCase(code) ? code : (known ?? reasonFor(status))
  // A message is shown only where its author says that it is meant for the client.
  return {
    status,
    code: shown,
    ...(expose === true && status < 500 && type === undefined ? { detail: String(message) } : {}),
    ...(Number.isInteger(retryAfter) ? { retry_after: retryAfter as number } : {}),
  }
}

/** Koa's body parser gives what JSON.parse threw a status, and no type. */
function codeOfSyntaxError(name: unknown, status: number): string | undefined {
  return name === 'SyntaxError' && status === 400 ? 'malformed_body' : undefined
}

function fieldProblems(errors: readonly ValidationError[], path = ''): FieldProblem[] {
  return errors.slice(0, 50).flatMap(({ property, constraints = {}, children = [] }) => {
    if ('whitelistValidation' in constraints || 'unknownValue' in constraints)
      return [{ field: null, code: 'unknown_field' }]
    const field = path === '' ? property : `${path}.${property}`
    const own = Object.entries(constraints).map(([rule, message]) => ({ field, code: snake(rule), message }))
    return [...own, ...fieldProblems(children, field)]
  })
}

function snake(rule: string): string {
  return rule.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase()
}

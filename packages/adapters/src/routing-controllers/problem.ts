import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import {
  type AuditContext,
  AuditError,
  type AuditErrorCode,
  currentContext,
  isSnakeCase,
  reasonFor,
  statusOf,
  Throttled,
} from '@countersign/core'
import type { ValidationError } from 'class-validator'
import { Middleware } from 'routing-controllers'
import type { Next } from './exchange.js'
import { answer, type FrameworkRequest, type FrameworkResponse, incomingOf, outgoingOf } from './framework.js'
import { problemOfMulter } from './multipart.js'
import { callOf } from './request-call.js'
import { requestOf } from './request-context.js'

/** An RFC 9457 problem document. It never repeats what the client sent, and never shows a stack. */
export interface Problem {
  readonly status: number
  /** Stable, for programs. */
  readonly code: string
  readonly detail?: string
  /** Which declared fields were refused, and by which rules. */
  readonly errors?: readonly FieldProblem[]
  readonly retry_after?: number
}

export interface FieldProblem {
  /** The field's path, or null for one that is not declared: its name is the client's text. */
  readonly field: string | null
  readonly code: string
  readonly message?: string
}

/**
 * Sends a problem document, with the request's id so that a report can be matched to a row. Takes
 * what `@Req()` and `@Res()` give: Express's, or Koa's `ctx.request` and `ctx.response`.
 */
export function sendProblem(request: FrameworkRequest, response: FrameworkResponse, problem: Problem): void {
  if (outgoingOf(response).headersSent) return
  const { status, ...members } = problem
  const document = {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    ...members,
    request_id: idOf(request),
  }
  answer(response, {
    status,
    type: 'application/problem+json',
    text: JSON.stringify(document),
    headers: { 'Cache-Control': 'no-store' },
  })
}

function idOf(request: FrameworkRequest): string | undefined {
  return callOf(request)?.context.requestId ?? contextFor(request)?.requestId
}

function contextFor(request: FrameworkRequest): AuditContext | undefined {
  const context = currentContext()
  const running = requestOf<FrameworkRequest>(context)
  return running && incomingOf(running) === incomingOf(request) ? context : undefined
}

/** Answers a throttled attempt: with what the controller's hook returned, else with a problem. */
export function sendThrottled(request: FrameworkRequest, response: FrameworkResponse, { body, hit }: Throttled): void {
  if (outgoingOf(response).headersSent) return
  const shaped = serialised(request, body)
  if (shaped !== undefined) answer(response, { status: 429, type: 'application/json', text: shaped })
  else sendProblem(request, response, { status: 429, code: 'throttled', retry_after: hit.retryAfter })
}

function serialised(request: FrameworkRequest, body: unknown): string | undefined {
  try {
    return body === undefined ? undefined : JSON.stringify(body)
  } catch (cause) {
    const call = callOf(request)
    call?.trail.report('STEP_FAILED', `What ${call.owner.className}.throttled() returned can't be sent.`, cause)
    return undefined
  }
}

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
  LIMITER_FAILED: { status: 503, code: 'unavailable' },
}

/** What a thrown error may tell the client. */
export function problemOf(error: unknown): Problem {
  const own = error instanceof AuditError ? problemOfAuditError[error.code] : problemOfMulter(error)
  // What a query got wrong is said in our own words, never in the client's.
  if (own && !(error instanceof AuditError)) return own
  if (own) return own.status === 400 ? { ...own, detail: (error as AuditError).message } : own
  const status = statusOf(error) ?? (error instanceof URIError ? 400 : 500)
  const { type, name, code, errors, expose, message } = (error ?? {}) as Record<string, unknown>
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

/** An error may be anything, also something that throws when it is looked at. */
function safeProblemOf(error: unknown): Problem {
  try {
    return problemOf(error)
  } catch {
    return { status: 500, code: 'internal_error' }
  }
}

const clientLeft: Problem = { status: 499, code: 'client_disconnected' }

/** The client left before all of its body was here: whatever then failed, that was why. */
function hasLeft(request: FrameworkRequest): boolean {
  const { destroyed, complete } = incomingOf(request)
  return destroyed && !complete
}

/**
 * Every error becomes a problem document, and the reason of the attempt: as the last middleware on
 * Express, around all others on Koa.
 */
export class ProblemErrors {
  error(error: unknown, request: FrameworkRequest, response: FrameworkResponse, next: Next): void {
    const call = callOf(request)
    const problem = hasLeft(request) ? clientLeft : safeProblemOf(error)
    if (call && !call.closed) {
      call.error ??= error
      call.reason ??= problem.code
    }
    const { headersSent, writableEnded } = outgoingOf(response)
    if (headersSent) {
      // The head is out: nothing that could be sent now would be understood.
      if (!writableEnded) next(error)
      return
    }
    if (error instanceof Throttled) sendThrottled(request, response, error)
    else sendProblem(request, response, problem)
  }
}

/** True when routing-controllers has a route for a request, and began to serve it. */
export function isServed(request: object): boolean {
  return (request as { routingControllersStarted?: boolean }).routingControllersStarted === true
}

/**
 * Answers what no route takes: on Express as the last middleware, where it also answers what threw
 * something that Express takes for no error; on Koa when every middleware has left it unanswered.
 */
export class ProblemNotFound {
  use(request: IncomingMessage, response: ServerResponse, next: Next): void {
    if (response.headersSent) next()
    else if (!isServed(request)) sendProblem(request, response, { status: 404, code: 'not_found' })
    else if (callOf(request)?.error !== undefined)
      sendProblem(request, response, { status: 500, code: 'internal_error' })
    else next()
  }
}

Middleware({ type: 'after', priority: -1 })(ProblemErrors)
Middleware({ type: 'after', priority: -2 })(ProblemNotFound)

import { STATUS_CODES } from 'node:http'
import { type AuditContext, currentContext, type Throttled } from '@countersign/core'
import { answer, type FrameworkRequest, type FrameworkResponse, incomingOf, outgoingOf } from './framework.js'
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
  /** Whole seconds until it is worth trying again; also the header `Retry-After`. */
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
    headers: {
      'Cache-Control': 'no-store',
      ...(problem.retry_after === undefined ? {} : { 'Retry-After': String(problem.retry_after) }),
    },
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

import type { Attempt } from './attempt.js'
import { isOutcome, isSnakeCase, type Outcome } from './events.js'
import type { AuditReason } from './reasons.js'

/** How an audited call ended, as the outermost layer saw it. */
export interface Ending {
  /** The status of the response, where there is one. */
  readonly status?: number | null
  /** What was thrown, by the handler or by what stands around it. */
  readonly error?: unknown
  /** What the handler returned, where no response tells more. */
  readonly result?: unknown
  /** False when a guard, a parser or a validator refused and the handler never ran. */
  readonly reached?: boolean
  /** Why it was refused, where the layer that refused says so and the error does not. */
  readonly reason?: string
}

/** The outcome of an attempt, with its reason and status. */
export interface Classification {
  readonly outcome: Outcome
  readonly reason: string | null
  readonly status: number | null
}

const reasonOfStatus: Readonly<Record<number, AuditReason>> = {
  400: 'invalid_request',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  406: 'not_acceptable',
  408: 'timeout',
  409: 'conflict',
  410: 'gone',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  422: 'unprocessable',
  423: 'locked',
  429: 'throttled',
  499: 'client_disconnected',
  503: 'unavailable',
}

/**
 * Success, failure or denied: by what the code declared, else by the throttle, the status, the
 * error and the result, in this order. Pure.
 */
export function classify(attempt: Attempt, ending: Ending): Classification {
  const error = attempt.error === undefined ? ending.error : attempt.error
  const status = ending.status ?? statusOf(error) ?? statusOf(ending.result)
  const declared = attempt.reason ?? reasonOf(error) ?? ending.reason ?? null
  if (attempt.throttling) return { outcome: 'denied', reason: declared ?? 'throttled', status: status ?? 429 }
  if (attempt.undone && (status === null || status < 400)) {
    // The response that says otherwise does not leave.
    return { outcome: 'failure', reason: declared ?? 'rolled_back', status: statusOf(error) }
  }
  const failed = error !== undefined || (status !== null && status >= 400)
  // An outcome that the code declared before something broke is no longer true.
  if (isOutcome(attempt.outcome) && !(failed && attempt.outcome === 'success')) {
    return { outcome: attempt.outcome, reason: attempt.outcome === 'success' ? attempt.reason : declared, status }
  }
  if (!failed) return { outcome: 'success', reason: attempt.reason, status }
  const outcome = isDenial(status, ending.reached !== false) ? 'denied' : 'failure'
  return { outcome, reason: declared ?? reasonFor(status), status }
}

function isDenial(status: number | null, reached: boolean): boolean {
  if (status === 403 || status === 423 || status === 429) return true
  // A 401 of the handler is a failed attempt; a 401 before it is a guard's refusal.
  return status === 401 && !reached
}

/** The reason of a failure that says of itself no more than its status: `401` is `unauthenticated`. */
export function reasonFor(status: number | null): AuditReason {
  if (status === null || status >= 500) return (status && reasonOfStatus[status]) || 'internal_error'
  return reasonOfStatus[status] ?? 'rejected'
}

/** The HTTP status that an error or a response-like result carries. */
export function statusOf(value: unknown): number | null {
  for (const name of ['httpCode', 'statusCode', 'status']) {
    const candidate = propertyOf(value, name)
    if (typeof candidate === 'number' && Number.isInteger(candidate) && candidate >= 100 && candidate <= 599) {
      return candidate
    }
  }
  return null
}

function reasonOf(error: unknown): string | null {
  const reason = propertyOf(error, 'reason')
  return isSnakeCase(reason) ? reason : null
}

/** Anything can be thrown, also what throws when it is looked at. */
function propertyOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  try {
    return (value as Record<string, unknown>)[name]
  } catch {
    return undefined
  }
}

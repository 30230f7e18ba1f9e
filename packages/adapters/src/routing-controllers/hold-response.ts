import type { ServerResponse } from 'node:http'
import type { AuditedCall, Ending, Throttling } from '@countersign/core'
import type { ActionBody } from './action-body.js'
import { clientLeft } from './departed-client.js'
import type { Exchange } from './exchange.js'
import { incomingOf, outgoingOf } from './framework.js'
import { holdBytes } from './held-bytes.js'

type WriteHead = ServerResponse['writeHead']

/**
 * Closes the call when the response is about to go out, with its real status, and lets not one
 * byte of the response leave before the rows are stored.
 *
 * @param body the body that the action declares
 */
export function holdResponse(exchange: Exchange, call: AuditedCall, body: ActionBody | undefined): void {
  const response = outgoingOf(exchange.response)
  const writeHead = response.writeHead
  response.writeHead = function closingHead(this: ServerResponse, ...head: unknown[]) {
    response.writeHead = writeHead
    const throttling = call.attempts[0]?.throttling
    if (throttling) throttlingHeaders(response, throttling)
    const hold = holdBytes(response)
    // A joined handler that answers by itself does so before anybody knows whether what it did will last.
    const isEarly = call.joining
    try {
      const result = (writeHead as (...args: unknown[]) => ServerResponse).apply(this, head)
      // The head is made, and what stands around this may have changed its status; not a byte is out.
      const { statusCode } = response
      const leave = (): void => (isEarly && call.undone && statusCode < 400 ? hold.discard() : hold.release())
      void call.close(endingOf(call, statusCode)).then(leave, leave)
      return result
    } catch (error) {
      // No head: a status that is none. Whoever answers instead closes the call.
      hold.release()
      response.writeHead = closingHead as WriteHead
      throw error
    }
  } as WriteHead
  closeWithoutHead(exchange, call, body)
}

function endingOf(call: AuditedCall, status: number | null): Ending {
  const ending = { status, error: call.error, reached: call.self !== undefined }
  return call.reason === null ? ending : { ...ending, reason: call.reason }
}

// For handlers that never end; those that do are recorded as they ended.
const longestHandler = 30_000

/**
 * Closes the call of a response that goes before it has a head. What the handler does then still
 * counts, with the status that it would have answered: nobody turns a success or a failure into
 * something else by hanging up.
 */
function closeWithoutHead(exchange: Exchange, call: AuditedCall, body: ActionBody | undefined): void {
  const response = outgoingOf(exchange.response)
  const close = (status: number | null): void => void call.close(endingOf(call, status))
  let limit: NodeJS.Timeout | undefined
  response.once('close', () => {
    if (call.closed) return
    // What was to be sent broke before its first byte, and took the connection with it.
    call.error ??= response.errored ?? undefined
    if (response.errored) close(null)
    else if (isStuck(exchange, call, body)) close(clientLeft.status)
    else limit = setTimeout(close, longestHandler, clientLeft.status).unref()
  })
  const { end } = response
  response.end = function (this: ServerResponse, ...args: unknown[]) {
    clearTimeout(limit)
    // Of what is destroyed Node makes no head.
    if (limit || response.destroyed) close(response.statusCode)
    return (end as (...args: unknown[]) => ServerResponse).apply(this, args)
  } as ServerResponse['end']
}

/** The rest of the body will never come, and nothing but reading it has begun. */
function isStuck(exchange: Exchange, call: AuditedCall, body: ActionBody | undefined): boolean {
  return call.self === undefined && !incomingOf(exchange.request).complete && exchange.isReading(body)
}

/** `Retry-After` (RFC 9110) in whole seconds, and the `RateLimit` fields, of a refusal. */
function throttlingHeaders(response: ServerResponse, { limit, retryAfter }: Throttling): void {
  response.setHeader('Retry-After', String(retryAfter))
  // It described the limit that did not refuse.
  response.removeHeader('RateLimit-Policy')
  response.setHeader('RateLimit-Limit', String(limit))
  response.setHeader('RateLimit-Remaining', '0')
  response.setHeader('RateLimit-Reset', String(retryAfter))
}

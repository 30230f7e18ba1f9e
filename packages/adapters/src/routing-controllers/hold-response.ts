import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AuditedCall, Ending, Throttling } from '@countersign/core'
import { holdBytes } from './held-bytes.js'

type WriteHead = ServerResponse['writeHead']

/**
 * Closes the call when the response is about to go out, with its real status, and lets not one
 * byte of the response leave before the rows are stored.
 */
export function holdResponse(request: IncomingMessage, response: ServerResponse, call: AuditedCall): void {
  const writeHead = response.writeHead
  response.writeHead = function closingHead(this: ServerResponse, ...head: unknown[]) {
    response.writeHead = writeHead
    const throttling = call.attempts[0]?.throttling
    if (throttling) throttlingHeaders(response, throttling)
    const hold = holdBytes(response)
    try {
      const result = (writeHead as (...args: unknown[]) => ServerResponse).apply(this, head)
      // The head is made, and what stands around this may have changed its status; not a byte is out.
      void call.close(endingOf(call, response.statusCode)).then(hold.release, hold.release)
      return result
    } catch (error) {
      // No head: a status that is none. Whoever answers instead closes the call.
      hold.release()
      response.writeHead = closingHead as WriteHead
      throw error
    }
  } as WriteHead
  response.once('close', () => {
    if (call.closed) return
    if (response.errored) closeBroken(response.errored, call)
    else closeWithoutClient(request, response, call)
  })
}

function endingOf(call: AuditedCall, status: number | null): Ending {
  const ending = { status, error: call.error, reached: call.self !== undefined }
  return call.reason === null ? ending : { ...ending, reason: call.reason }
}

/** What was to be sent broke before its first byte, and took the connection with it. */
function closeBroken(error: Error, call: AuditedCall): void {
  call.error ??= error
  void call.close(endingOf(call, null))
}

const clientLeft = 499
// For handlers that never end; those that do are recorded as they ended.
const longestHandler = 30_000

/**
 * The client left before there was a response. What the handler does now still counts, with the
 * status that it would have answered: nobody turns a failure into something else by hanging up.
 */
function closeWithoutClient(request: IncomingMessage, response: ServerResponse, call: AuditedCall): void {
  const leave = (): void => void call.close(endingOf(call, clientLeft))
  if (!request.complete) {
    leave()
    return
  }
  const limit = setTimeout(leave, longestHandler)
  limit.unref()
  const end = response.end
  response.end = function (this: ServerResponse, ...args: unknown[]) {
    clearTimeout(limit)
    void call.close(endingOf(call, response.statusCode))
    return (end as (...args: unknown[]) => ServerResponse).apply(this, args)
  } as ServerResponse['end']
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

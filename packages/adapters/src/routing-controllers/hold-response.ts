import type { Socket } from 'node:net'
import type { AuditedCall, Ending, Throttling } from '@countersign/core'
import type { Request, Response } from 'express'

type WriteHead = Response['writeHead']

/**
 * Closes the call when the response is about to go out, with its real status, and lets not one
 * byte of the response leave before the rows are stored.
 */
export function holdResponse(request: Request, response: Response, call: AuditedCall): void {
  const writeHead = response.writeHead
  response.writeHead = function closingHead(this: Response, ...head: unknown[]) {
    response.writeHead = writeHead
    const throttling = call.attempts[0]?.throttling
    if (throttling) throttlingHeaders(response, throttling)
    const hold = holdBytes(response)
    try {
      const result = (writeHead as (...args: unknown[]) => Response).apply(this, head)
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
    if (!call.closed) closeWithoutClient(request, response, call)
  })
}

function endingOf(call: AuditedCall, status: number): Ending {
  const ending = { status, error: call.error, reached: call.self !== undefined }
  return call.reason === null ? ending : { ...ending, reason: call.reason }
}

const clientLeft = 499
// For handlers that never end; those that do are recorded as they ended.
const longestHandler = 30_000

/**
 * The client left before there was a response. What the handler does now still counts, with the
 * status that it would have answered: nobody turns a failure into something else by hanging up.
 */
function closeWithoutClient(request: Request, response: Response, call: AuditedCall): void {
  const leave = (): void => void call.close(endingOf(call, clientLeft))
  if (!request.complete) {
    leave()
    return
  }
  const limit = setTimeout(leave, longestHandler)
  limit.unref()
  const end = response.end
  response.end = function (this: Response, ...args: unknown[]) {
    clearTimeout(limit)
    void call.close(endingOf(call, response.statusCode))
    return (end as (...args: unknown[]) => Response).apply(this, args)
  } as Response['end']
}

/** `Retry-After` (RFC 9110) in whole seconds, and the `RateLimit` fields, of a refusal. */
function throttlingHeaders(response: Response, { limit, retryAfter }: Throttling): void {
  response.setHeader('Retry-After', String(retryAfter))
  // It described the limit that did not refuse.
  response.removeHeader('RateLimit-Policy')
  response.setHeader('RateLimit-Limit', String(limit))
  response.setHeader('RateLimit-Remaining', '0')
  response.setHeader('RateLimit-Reset', String(retryAfter))
}

/** Bytes that are kept inside the process until they are released. */
interface HeldBytes {
  release(): void
}

function holdBytes(response: Response): HeldBytes {
  if (response.socket) return cork(response.socket)
  // A pipelined response has no socket before its turn.
  let released = false
  let held: HeldBytes | undefined
  response.once('socket', (socket: Socket) => {
    if (!released) held = cork(socket)
  })
  return {
    release() {
      released = true
      held?.release()
    },
  }
}

const key: unique symbol = Symbol('countersign.held')

interface HoldableSocket extends Socket {
  [key]?: { held: boolean }
}

/**
 * Keeps what is written to a socket inside the process. Node uncorks a socket by itself when a
 * response ends, so uncorking is refused for as long as it is held.
 */
function cork(socket: HoldableSocket): HeldBytes {
  const hold = socket[key] ?? refuseUncorking(socket)
  hold.held = true
  socket.cork()
  return {
    release() {
      hold.held = false
      while (socket.writableCorked > 0) socket.uncork()
    },
  }
}

function refuseUncorking(socket: HoldableSocket): { held: boolean } {
  const state = { held: false }
  socket[key] = state
  const { uncork } = socket
  socket.uncork = function (this: Socket) {
    if (!state.held) uncork.call(this)
  }
  return state
}

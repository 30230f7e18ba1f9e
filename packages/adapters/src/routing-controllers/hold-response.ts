import type { Socket } from 'node:net'
import type { AuditedCall, Throttling } from '@countersign/core'
import type { Response } from 'express'

type WriteHead = Response['writeHead']

/**
 * Closes the call when the response is about to go out, with its real status, and lets not one
 * byte of the response leave before the rows are stored.
 */
export function holdResponse(response: Response, call: AuditedCall): void {
  const writeHead = response.writeHead
  response.writeHead = function (this: Response, status: number, ...rest: unknown[]) {
    response.writeHead = writeHead
    const throttling = call.attempts[0]?.throttling
    if (throttling) throttlingHeaders(response, throttling)
    const release = cork(response.socket)
    try {
      return (writeHead as (...args: unknown[]) => Response).call(this, status, ...rest)
    } finally {
      // `close` never rejects; an await here would let the head of the response go first.
      void call
        .close({
          status,
          error: call.error,
          reached: call.self !== undefined,
          ...(call.reason ? { reason: call.reason } : {}),
        })
        .then(release)
    }
  } as WriteHead
  response.once('close', () => {
    if (call.closed) return
    // The client left before there was a response. What the handler does now still counts.
    if (call.running) call.abandoned = true
    else void call.close({ status: 499, error: call.error, reached: call.self !== undefined })
  })
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

const holds = new WeakMap<Socket, { held: boolean }>()

/**
 * Keeps what is written to a socket inside the process; returns what lets it go. Node uncorks a
 * socket by itself when a response ends, so uncorking is refused for as long as it is held.
 */
function cork(socket: Socket | null): () => void {
  if (!socket || typeof socket.cork !== 'function') return () => undefined
  let hold = holds.get(socket)
  if (!hold) {
    const state = { held: false }
    hold = state
    holds.set(socket, state)
    const { uncork } = socket
    socket.uncork = function (this: Socket) {
      if (!state.held) uncork.call(this)
    }
  }
  hold.held = true
  socket.cork()
  return () => {
    hold.held = false
    while (socket.writableCorked > 0) socket.uncork()
  }
}

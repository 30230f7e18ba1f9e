import type { ServerResponse } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { Writable } from 'node:stream'

/** Bytes that are kept inside the process until they are released. */
interface HeldBytes {
  release(): void
  /** They never leave, nor does anything else: the connection, or the stream of HTTP/2, ends. */
  discard(): void
}

/** Keeps what is written to a response from now on, its head included. */
export function holdBytes(response: ServerResponse): HeldBytes {
  if (response.req.httpVersionMajor >= 2) return holdStream((response as never as { stream: ServerHttp2Stream }).stream)
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
    discard() {
      released = true
      if (held) held.discard()
      else response.destroy()
    },
  }
}

/** The streams of an HTTP/2 connection share its socket, and the head is no part of what is written. */
function holdStream(stream: ServerHttp2Stream): HeldBytes {
  const bytes = cork(stream)
  const { respond } = stream
  let head: Parameters<typeof respond> | undefined
  stream.respond = (...given) => {
    head ??= given
  }
  return {
    release() {
      stream.respond = respond
      if (head && !stream.closed && !stream.destroyed) stream.respond(...head)
      bytes.release()
    },
    discard() {
      stream.respond = respond
      bytes.discard()
    },
  }
}

const key: unique symbol = Symbol('countersign.held')

interface Holding {
  held: boolean
  /** Whether somebody wanted to end it meanwhile. */
  ending: boolean
}

interface Holdable extends Writable {
  [key]?: Holding
}

/**
 * Keeps what is written to a socket, or a stream of HTTP/2, inside the process. Node uncorks it by
 * itself when a response ends, and takes such a response for one that has left: a server that closes
 * would cut it off. So both are refused for as long as it is held.
 */
function cork(socket: Holdable): HeldBytes {
  const hold = socket[key] ?? refuseEnding(socket)
  hold.held = true
  socket.cork()
  return {
    release() {
      hold.held = false
      while (socket.writableCorked > 0) socket.uncork()
      if (hold.ending) socket.end(() => socket.destroy())
      hold.ending = false
    },
    discard() {
      hold.held = false
      socket.destroy()
    },
  }
}

function refuseEnding(socket: Holdable): Holding {
  const state: Holding = { held: false, ending: false }
  socket[key] = state
  const { uncork, destroy } = socket
  socket.uncork = function (this: Writable) {
    if (!state.held) uncork.call(this)
  }
  socket.destroy = function (this: Writable, error) {
    // What broke is broken; what is only no longer wanted can wait for its row.
    if (!state.held || error) return destroy.call(this, error)
    state.ending = true
    return this
  }
  return state
}

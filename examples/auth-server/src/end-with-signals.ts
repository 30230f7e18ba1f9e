import type { Server } from 'node:http'
import { Server as Listener, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'

// A client that never finishes must not keep the rows of the others from being stored.
const patience = 5000

/**
 * With the first signal the server takes no more connections, answers the requests that it has,
 * and releases what it used; then the process ends. With the second one it ends at once: what was
 * answered has its row in the database or in the spool already.
 */
export function endWithSignals(server: Server, release: () => Promise<void>): void {
  const answered = answersOf(server)
  let ending = false
  const end = (): void => {
    if (ending) process.exit(1)
    ending = true
    answered()
      .then(release)
      .then(() => process.exit(0), fail)
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, end)
}

/** Returns what closes the server when its requests are answered. */
function answersOf(server: Server): () => Promise<void> {
  const underWay = new Map<Socket, number>()
  server.on('connection', (socket) => {
    underWay.set(socket, 0)
    socket.once('close', () => underWay.delete(socket))
  })
  server.on('request', ({ socket }, response) => {
    underWay.set(socket, (underWay.get(socket) ?? 0) + 1)
    response.once('close', () => {
      const rest = (underWay.get(socket) ?? 1) - 1
      if (!socket.destroyed) underWay.set(socket, rest)
    })
  })
  return async () => {
    // Who is connected already is let in: that takes a turn of the event loop, after this one.
    for (let turns = 0; turns < 2; turns++) await turn()
    // Not the close of an HTTP server: to that an answer that waits for its row is one that has left.
    const closed = new Promise((resolve) => Listener.prototype.close.call(server, resolve))
    const closeIdle = (): void => {
      for (const [socket, requests] of underWay) if (requests === 0) socket.destroySoon()
    }
    // What has arrived by then is read first.
    const idle = setInterval(setImmediate, 100, closeIdle)
    const late = setTimeout(() => server.closeAllConnections(), patience)
    await closed
    clearInterval(idle)
    clearTimeout(late)
  }
}

function fail(error: unknown): never {
  console.error(error instanceof Error ? error.message : String(error))
  process.exit(1)
}

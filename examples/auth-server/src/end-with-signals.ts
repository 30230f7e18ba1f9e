import type { Server } from 'node:http'

// A client that never finishes must not keep the rows of the others from being stored.
const patience = 5000

/**
 * With the first signal the server takes no more connections, answers the requests that it has,
 * and releases what it used; then the process ends. With the second one it ends at once: what was
 * answered has its row in the database or in the spool already.
 */
export function endWithSignals(server: Server, release: () => Promise<void>): void {
  let ending = false
  const end = (): void => {
    if (ending) process.exit(1)
    ending = true
    answered(server)
      .then(release)
      .then(() => process.exit(0), fail)
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, end)
}

async function answered(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  // Connections that are kept alive would be waited for; one that is answered is of no use any more.
  server.prependListener('request', (_request, response) => response.setHeader('Connection', 'close'))
  const idle = setInterval(() => server.closeIdleConnections(), 100)
  const late = setTimeout(() => server.closeAllConnections(), patience)
  await closed
  clearInterval(idle)
  clearTimeout(late)
}

function fail(error: unknown): never {
  console.error(error instanceof Error ? error.message : String(error))
  process.exit(1)
}

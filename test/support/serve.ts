import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'

/** A server on a free port of the loopback interface. */
export interface Served {
  readonly url: string
  readonly server: Server
  close(): Promise<void>
}

export async function serve(app: RequestListener, host = '127.0.0.1'): Promise<Served> {
  const server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    server,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

export async function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
  })
}

import { execFileSync } from 'node:child_process'
import type { RequestListener } from 'node:http'
import { createServer, type Server } from 'node:https'

/** A key and a certificate of its own for this machine, as PEM; null where there is no `openssl` to make them. */
export function ownCertificate(): string | null {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', '-']
  const made = ['-x509', '-days', '2', '-subj', '/CN=localhost', '-out', '-']
  try {
    return execFileSync('openssl', ['req', ...key, ...made], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    return null
  }
}

/** Serves an app over TLS on a port of the loopback interface. */
export async function serveTls(app: RequestListener, port: number, pem: string): Promise<Server> {
  const server = createServer({ key: pem, cert: pem }, app)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return server
}

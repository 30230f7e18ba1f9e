import { createServer } from 'node:http'
import { createAuthServer } from '@countersign/auth'
import { readEnvironment } from './environment.js'

async function main(): Promise<void> {
  const { host, port, settings, admin } = readEnvironment(process.env)
  const auth = await createAuthServer(settings)
  if (admin) await auth.services.accounts.ensureAdmin(admin.email, admin.password)
  const server = createServer(auth.app)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  console.log(welcome(settings.publicUrl, settings.production === true))

  const stop = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeIdleConnections()
    // A client that never finishes must not keep the rows of the others from being stored.
    setTimeout(() => server.closeAllConnections(), 5000).unref()
    await closed
    await auth.close()
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void stop().then(() => process.exit(0), fail))
}

function welcome(url: string, production: boolean): string {
  const lines = [`Countersign is ready at ${url}`]
  if (!production) {
    lines.push(
      `  ${url}/             sign up, verify, log in, try a wrong password, and see the rows`,
      `  ${url}/dev/mailbox  the mail that would have been sent`,
      '  ADMIN_EMAIL and ADMIN_PASSWORD at the first start make an administrator, who sees the whole trail.',
    )
  }
  return lines.join('\n')
}

function fail(error: unknown): never {
  console.error(error instanceof Error ? error.message : String(error))
  process.exit(1)
}

main().catch(fail)

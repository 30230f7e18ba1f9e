import { createServer, type Server } from 'node:http'
import { type AuthServer, createAuthServer } from '@countersign/auth'
import { readEnvironment, urlOf } from './environment.js'
import { openRedis } from './open-redis.js'

async function main(): Promise<void> {
  const { host, port, settings, redisUrl, admin, warnings } = readEnvironment(process.env)
  for (const warning of warnings) console.warn(`Warning: ${warning}`)
  const redis = redisUrl === undefined ? undefined : openRedis(redisUrl)
  const auth = await createAuthServer(redis ? { ...settings, redis } : settings)
  tellOfOutages(auth)
  const server = createServer(auth.app)
  try {
    if (admin) await auth.services.accounts.ensureAdmin(admin.email, admin.password)
    await listen(server, host, port)
  } catch (error) {
    await auth.close()
    throw error
  }
  console.log(welcome(settings.publicUrl, urlOf(host, port), settings.production === true))

  const stop = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeIdleConnections()
    // A client that never finishes must not keep the rows of the others from being stored.
    setTimeout(() => server.closeAllConnections(), 5000).unref()
    await closed
    await auth.close()
    redis?.disconnect()
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void stop().then(() => process.exit(0), fail))
}

/** What the trail records of them, on the console as well. */
function tellOfOutages({ trail }: AuthServer): void {
  trail.signals.on('degradation_start', ({ row: { details } }) =>
    console.warn(`Warning: what the ${details.component} needs is away (${details.error}): ${details.reaction}.`),
  )
  trail.signals.on('degradation_end', ({ row }) =>
    console.warn(`What the ${row.details.component} needs is back after ${row.details.seconds} s.`),
  )
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, resolve)
    })
  } catch (cause) {
    throw new Error(refusalOf((cause as NodeJS.ErrnoException).code, host, port), { cause })
  }
}

function refusalOf(code: string | undefined, host: string, port: number): string {
  const other = port < 65_535 ? port + 1 : 3000
  if (code === 'EADDRINUSE') return `Port ${port} is taken. Choose another: PORT=${other}`
  if (code === 'EACCES') return `Port ${port} may not be opened by this user. Choose another: PORT=3000`
  return `The server can't listen on ${host} (${code}). Choose an address of this machine: HOST=127.0.0.1`
}

function welcome(url: string, listening: string, production: boolean): string {
  const lines = [`Countersign is ready at ${url}, listening on ${listening}`]
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

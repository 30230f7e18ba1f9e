import { createServer, type Server } from 'node:http'
import { type AuthServer, type AuthSettings, createAuthServer } from '@countersign/auth'
import { serveCommands } from '@countersign/console'
import { AuditError } from '@countersign/core'
import { endWithSignals } from './end-with-signals.js'
import { readEnvironment, urlOf } from './environment.js'
import { openRedis } from './open-redis.js'

async function main(): Promise<void> {
  const { host, port, settings, folder, redisUrl, admin, warnings } = readEnvironment(process.env)
  for (const warning of warnings) console.warn(`Warning: ${warning}`)
  const redis = redisUrl === undefined ? undefined : openRedis(redisUrl)
  const auth = await createAuthServer(redis ? { ...settings, redis } : settings).catch(nameSetting)
  tellOfOutages(auth)
  const server = createServer(auth.app)
  const commands = folder === undefined ? undefined : await serveCommands({ folder, ...commandSystem(auth, settings) })
  try {
    if (admin) await auth.services.accounts.ensureAdmin(admin.email, admin.password)
    await listen(server, host, port)
  } catch (error) {
    await commands?.close()
    await auth.close()
    throw error
  }
  console.log(welcome(settings.publicUrl, urlOf(host, port), settings.production === true))
  // A queue takes a moment to be made, which nobody has to wait for.
  auth.start().catch(fail)

  endWithSignals(server, async () => {
    await commands?.close()
    await auth.close()
    redis?.disconnect()
  })
}

/** What `countersign` works with while this process has the data folder. */
function commandSystem({ database, trail }: AuthServer, { auditLog = {} }: AuthSettings) {
  const { signer = null, anchors = [] } = auditLog
  return { orm: database.orm, trail, signer, anchors }
}

/** The spool knows its folder, and not where it was set. */
function nameSetting(error: unknown): never {
  if (error instanceof AuditError && error.code === 'SPOOL_INVALID')
    throw new Error(`${error.message} (SPOOL_DIR)`, { cause: error })
  throw error
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
      `  ${url}/             sign up, verify, log in, turn two factors on, and see your sessions and your history`,
      `  ${url}/dev/mailbox  the mail that would have been sent`,
      '  npx -y pnpm@12 admin <email>  prints a link that makes an administrator, who sees all accounts and the whole trail.',
    )
  }
  return lines.join('\n')
}

function fail(error: unknown): never {
  console.error(error instanceof Error ? error.message : String(error))
  process.exit(1)
}

main().catch(fail)

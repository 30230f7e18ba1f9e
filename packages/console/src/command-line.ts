import { setTimeout as pause } from 'node:timers/promises'
import { AuditError } from '@countersign/core'
import type { CommandIo, Plan, PlanOnStore } from './command.js'
import { endWith } from './command-end.js'
import { readCommandLine } from './commands.js'
import { reachServer } from './control-socket.js'
import { OutputFile } from './output-file.js'
import { runInServer } from './run-in-server.js'
import { readSettings, type Settings } from './settings.js'

/** What a command line was typed into. */
export interface Shell {
  /** `DATABASE_URL`, `DATA_DIR`, `SECRET_KEY`, `CHECKPOINT_KEY` and so on: the same as the server has. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly io: CommandIo
}

/**
 * Runs a command line as `countersign` does: on a file, in the server that has the data folder open, or on a database
 * that it opens. Returns the code to end with; what goes wrong is said, and not thrown.
 *
 * @throws what the writing to `io` throws
 * @example
 * const io: CommandIo = {
 *   out: async (text) => void process.stdout.write(text),
 *   err: async (text) => void process.stderr.write(text),
 *   isTerminal: false,
 *   user: 'operator',
 *   signal: AbortSignal.timeout(60_000),
 * }
 * process.exitCode = await runCommandLine(['verify', '--json'], { env: process.env, io })
 */
export async function runCommandLine(argv: readonly string[], { env, io }: Shell): Promise<number> {
  try {
    const reading = readCommandLine(argv)
    if ('plan' in reading) return await runInto(reading.out, io, (own) => run(reading.plan, argv, env, own))
    await io.out(reading.help)
    return 0
  } catch (error) {
    return endWith(error, io.err)
  }
}

/** With what it writes in a file, where one was named. */
async function runInto(
  path: string | undefined,
  io: CommandIo,
  run: (io: CommandIo) => Promise<number>,
): Promise<number> {
  if (path === undefined) return run(io)
  const file = await OutputFile.create(path)
  try {
    const code = await run({ ...io, out: (text) => file.write(text) })
    if (code === 0) await file.keep()
    else await file.discard()
    return code
  } catch (error) {
    await file.discard().catch(() => undefined)
    throw error
  }
}

async function run(plan: Plan, argv: readonly string[], env: Shell['env'], io: CommandIo): Promise<number> {
  if ('runHere' in plan) return plan.runHere(io)
  const settings = readSettings(env)
  const input = (await plan.readInput?.()) ?? []
  const call = { plan, argv, input, settings, io }
  return (await tryServer(call)) ?? (await tryHere(call))
}

interface Call {
  readonly plan: PlanOnStore
  readonly argv: readonly string[]
  readonly input: readonly string[]
  readonly settings: Settings
  readonly io: CommandIo
}

/** Null where no server has the data folder open. */
async function tryServer({ plan, argv, input, settings: { location }, io }: Call): Promise<number | null> {
  if (!('folder' in location)) return null
  const socket = await reachServer(location.folder)
  if (!socket) return null
  if (!plan.isServersWork) return runInServer(socket, { argv, input }, io)
  socket.destroy()
  throw new AuditError(
    'STORE_LOCKED',
    'The server that has the data folder open does that already: nothing is to be done.',
  )
}

const patience = 2000

async function tryHere(call: Call): Promise<number> {
  const { plan, input, settings, io } = call
  // What a command needs that runs in a server, or on a file, is little; this is not.
  const { runHere } = await import('./run-here.js')
  try {
    return await runHere(plan, input, settings, io)
  } catch (error) {
    if (!isLocked(error)) throw error
    return afterLock(call, error)
  }
}

function isLocked(error: unknown): error is AuditError {
  return error instanceof AuditError && error.code === 'STORE_LOCKED'
}

/** A server that is just starting takes commands in a moment. */
async function afterLock(call: Call, error: AuditError): Promise<number> {
  for (const until = Date.now() + patience; Date.now() < until; ) {
    await pause(100)
    const code = await tryServer(call)
    if (code !== null) return code
  }
  const [who] = /^.* by process \d+(?=\.)/s.exec(error.message) ?? ['The data folder is in use']
  throw new AuditError('STORE_LOCKED', `${who}, which takes no commands: stop it, or wait until it has ended.`, {
    cause: error,
  })
}

import { chmod, lstat, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { AuditError } from '@countersign/core'
import { CommandSession } from './command-session.js'
import { reachServer, socketName, withShortPath } from './control-socket.js'
import type { CommandSystem } from './running-store.js'

/** Where commands come in, and what they work with. */
export interface CommandServerOptions extends CommandSystem {
  /** The data folder that this process has open. */
  readonly folder: string
}

/** Takes commands until it is closed. */
export interface CommandServer {
  /** Takes no more commands, and ends those that run where they can be ended. */
  close(): Promise<void>
}

/**
 * Lets `countersign` work on a data folder while this process has it open: it takes commands on a socket in the
 * folder (`control.sock`) that only the user of this process can use, and runs them.
 *
 * @throws AuditError `STORE_LOCKED` where another process takes commands there, `SETTING_INVALID` where no socket can
 * be made
 * @example
 * const commands = await serveCommands({ folder: 'data', orm, trail })
 * await commands.close()
 */
export async function serveCommands(options: CommandServerOptions): Promise<CommandServer> {
  const { folder } = options
  const sessions = new Set<CommandSession>()
  const server = createServer((socket) => {
    const session = new CommandSession(socket, options)
    sessions.add(session)
    void session.run().finally(() => sessions.delete(session))
  })
  // A connection that could not be taken is no reason to end.
  server.on('error', () => undefined)
  const release = await listen(server, folder)
  return {
    async close() {
      await release()
      const closed = new Promise((resolve) => server.close(resolve))
      await Promise.all([...sessions].map((session) => session.stop()))
      await closed
    },
  }
}

/** Returns what takes the socket away again. */
async function listen(server: Server, folder: string): Promise<() => Promise<void>> {
  await assertFree(folder)
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const mine = await withShortPath(folder, (path) => place(server, path))
    return async () => {
      const path = join(folder, socketName)
      const found = await identityOf(path)
      // Another process may have put its own there.
      if (found === mine) await rm(path, { force: true })
    }
  } catch (cause) {
    server.close()
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw new AuditError('SETTING_INVALID', `No socket can be made in the data folder ${folder} (${why}).`, { cause })
  }
}

/** A socket of a process that died is replaced; a living one, or what is no socket, is not. */
async function assertFree(folder: string): Promise<void> {
  const other = await reachServer(folder)
  other?.destroy()
  if (other)
    throw new AuditError('STORE_LOCKED', `Another process takes commands in the data folder ${folder}. Stop it.`)
  const path = join(folder, socketName)
  const found = await lstat(path).catch(() => null)
  if (found && !found.isSocket()) throw new AuditError('SETTING_INVALID', `${path} is no socket. Remove it.`)
}

/** It is made where nobody else can come, and put in its place when only its owner may use it. */
async function place(server: Server, folder: string): Promise<string> {
  const hidden = await mkdtemp(join(folder, '.control-'))
  try {
    const path = join(hidden, 's')
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, resolve)
    })
    await chmod(path, 0o600)
    const identity = await identityOf(path)
    await rename(path, join(folder, socketName))
    return identity
  } finally {
    await rm(hidden, { recursive: true, force: true })
  }
}

async function identityOf(path: string): Promise<string> {
  const found = await lstat(path).catch(() => null)
  return found ? `${found.dev}:${found.ino}` : ''
}

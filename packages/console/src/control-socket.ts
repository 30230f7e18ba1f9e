import { constants, open } from 'node:fs/promises'
import { createConnection, type Socket } from 'node:net'
import { join } from 'node:path'
import { AuditError } from '@countersign/core'

/** What a client asks of the server that has the data folder open: one line of JSON. */
export interface CommandRequest {
  readonly countersign: 'command/v1'
  readonly argv: readonly string[]
  /** What was in the files that it was given: the server opens none that a client names. */
  readonly input: readonly string[]
  readonly user: string
  readonly isTerminal: boolean
}

/** What the server answers, line by line; `exit` comes last. */
export type CommandReply = { readonly out: string } | { readonly err: string } | { readonly exit: number }

export const socketName = 'control.sock'

/** No request and no answer is near as long, and one that is must not fill the memory. */
export const longestLine: number = 64 * 1024 * 1024

const longestFolder = 80

/** Runs with a path of the folder that is short enough: the address of a socket has room for about a hundred bytes. */
export async function withShortPath<Result>(folder: string, run: (path: string) => Promise<Result>): Promise<Result> {
  if (Buffer.byteLength(folder) <= longestFolder) return run(folder)
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    return await run(`/proc/self/fd/${handle.fd}`)
  } finally {
    await handle.close()
  }
}

/**
 * Connects to the server that has the data folder open; null where none answers.
 *
 * @throws AuditError `SETTING_INVALID` where the socket can't be used
 */
export async function reachServer(folder: string): Promise<Socket | null> {
  try {
    return await withShortPath(folder, (path) => connected(join(path, socketName)))
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR') return null
    throw new AuditError(
      'SETTING_INVALID',
      `${join(folder, socketName)} can't be used (${code ?? cause}). Run the command as the user that the server runs as.`,
      { cause },
    )
  }
}

function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path)
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

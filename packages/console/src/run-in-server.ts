import type { Socket } from 'node:net'
import { AuditError } from '@countersign/core'
import type { CommandIo } from './command.js'
import { type CommandReply, type CommandRequest, longestLine } from './control-socket.js'
import { linesFrom } from './lines.js'
import { jsonLine } from './terminal-text.js'

/** Has the server run a command, and writes what it says; returns the code to end with. */
export async function runInServer(
  socket: Socket,
  { argv, input }: Pick<CommandRequest, 'argv' | 'input'>,
  io: CommandIo,
): Promise<number> {
  const { user, isTerminal, signal } = io
  const request: CommandRequest = { countersign: 'command/v1', argv, input, user, isTerminal }
  signal.addEventListener('abort', () => socket.destroy(), { once: true })
  try {
    socket.write(jsonLine(request))
    for await (const line of linesFrom(socket, longestLine)) {
      const reply = JSON.parse(line) as CommandReply
      if ('exit' in reply) return reply.exit
      if ('out' in reply) await io.out(reply.out)
      else await io.err(reply.err)
    }
  } catch (cause) {
    signal.throwIfAborted()
    if (cause instanceof AuditError || (cause as NodeJS.ErrnoException).code !== 'ECONNRESET') throw cause
  } finally {
    socket.destroy()
  }
  signal.throwIfAborted()
  throw new AuditError(
    'STORE_UNREACHABLE',
    'The server ended before the command did. Start it, and run the command again.',
  )
}

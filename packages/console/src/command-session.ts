import { once } from 'node:events'
import type { Socket } from 'node:net'
import { AuditError } from '@countersign/core'
import type { CommandIo } from './command.js'
import { endWith } from './command-end.js'
import { readCommandLine } from './commands.js'
import { type CommandReply, type CommandRequest, longestLine } from './control-socket.js'
import { linesFrom } from './lines.js'
import { type CommandSystem, runningStore } from './running-store.js'
import { jsonLine } from './terminal-text.js'

const patience = 10_000
const grace = 3000
const longestPiece = 256 * 1024

/** One client of the socket: one command. */
export class CommandSession {
  readonly #socket: Socket
  readonly #system: CommandSystem
  readonly #abort = new AbortController()
  #isAsked = false
  #ended: Promise<void> | undefined

  constructor(socket: Socket, system: CommandSystem) {
    this.#socket = socket
    this.#system = system
    // It is closed after that, which is what is looked at.
    socket.on('error', () => undefined)
  }

  /** Never rejects. */
  run(): Promise<void> {
    this.#ended ??= this.#serve().catch(() => void this.#socket.destroy())
    return this.#ended
  }

  /** Ends the command where it can be ended, and waits for it. */
  async stop(): Promise<void> {
    this.#abort.abort(new Error('The server is stopping. Run the command again when it is back.'))
    if (!this.#isAsked) this.#socket.destroy()
    await this.#ended
    // Who does not read must not keep the server.
    const late = setTimeout(() => this.#socket.destroy(), grace)
    this.#socket.once('close', () => clearTimeout(late))
    if (this.#socket.closed) clearTimeout(late)
  }

  async #serve(): Promise<void> {
    const lines = linesFrom(this.#socket, longestLine)
    this.#socket.setTimeout(patience, () => this.#socket.destroy())
    const first = await lines.next()
    this.#socket.setTimeout(0)
    if (first.done) return
    this.#isAsked = true
    void this.#watch(lines)
    const code = await this.#answer(first.value).catch((error: unknown) =>
      endWith(error, async (err) => void this.#socket.write(jsonLine({ err }))),
    )
    this.#socket.end(jsonLine({ exit: code }))
  }

  /** A client that is gone, in whatever way, wants no answer. */
  async #watch(lines: AsyncGenerator<string>): Promise<void> {
    try {
      for await (const _ of lines);
    } catch {}
    this.#abort.abort(new Error('The client is gone.'))
  }

  async #answer(line: string): Promise<number> {
    const { argv, input, user, isTerminal } = requestOf(line)
    const io: CommandIo = {
      out: (text) => this.#send('out', text),
      err: (text) => this.#send('err', text),
      ...{ isTerminal, user, signal: this.#abort.signal },
    }
    const reading = readCommandLine(argv)
    if (!('plan' in reading) || !('runOn' in reading.plan) || reading.plan.isServersWork)
      throw new AuditError('QUERY_INVALID', 'That is no command for a server.')
    const store = runningStore(this.#system)
    try {
      return await reading.plan.runOn(store, io, input)
    } finally {
      await store.close()
    }
  }

  /** Resolves when there is room for more. */
  async #send(stream: 'out' | 'err', text: string): Promise<void> {
    const { signal } = this.#abort
    for (const piece of piecesOf(text)) {
      signal.throwIfAborted()
      // A computed key has no type of its own.
      const reply = { [stream]: piece } as unknown as CommandReply
      if (this.#socket.write(jsonLine(reply))) continue
      await once(this.#socket, 'drain', { signal }).catch(() => signal.throwIfAborted())
    }
  }
}

function requestOf(line: string): CommandRequest {
  const { countersign, argv, input, user, isTerminal } = objectOf(line) as Partial<CommandRequest>
  if (countersign === 'command/v1' && areTexts(argv) && areTexts(input) && typeof user === 'string')
    return { countersign, argv, input, user, isTerminal: isTerminal === true }
  throw new AuditError('QUERY_INVALID', 'The server takes other commands: use the countersign of the same version.')
}

function objectOf(line: string): object {
  try {
    return Object(JSON.parse(line))
  } catch {
    return {}
  }
}

function areTexts(list: unknown): list is readonly string[] {
  return Array.isArray(list) && list.every((text) => typeof text === 'string')
}

/** Never between the two halves of a character. */
function* piecesOf(text: string): Generator<string> {
  for (let from = 0; from < text.length; ) {
    let to = from + longestPiece
    const last = text.charCodeAt(to - 1)
    if (last >= 0xd800 && last <= 0xdbff) to--
    yield text.slice(from, to)
    from = to
  }
}

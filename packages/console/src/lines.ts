import type { Socket } from 'node:net'

/** The lines that come in, as far as they end with a newline; with one that is too long it ends. */
export async function* linesFrom(socket: Socket, longest: number): AsyncGenerator<string, void, undefined> {
  let pieces: string[] = []
  let length = 0
  for await (const chunk of socket.setEncoding('utf8') as AsyncIterable<string>) {
    const parts = chunk.split('\n')
    const last = parts.pop() ?? ''
    for (const part of parts) {
      yield pieces.length > 0 ? `${pieces.join('')}${part}` : part
      pieces = []
      length = 0
    }
    pieces.push(last)
    length += last.length
    if (length > longest) throw new Error('A line is too long.')
  }
}

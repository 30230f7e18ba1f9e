import { cleanText } from '@countersign/core'
import type { CommandIo } from './command.js'

const longest = 4000

/** Text that somebody else may have written, as one line that does nothing to a terminal. */
export function printable(text: string): string {
  return cleanText(text, longest)
}

/** The same for a text of several lines: a note is not a note without them. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n')
}

/** JSON in one line, of nothing that a terminal could act on: it says the same. */
export function jsonLine(value: unknown): string {
  const json = JSON.stringify(value)
  return `${json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`
}

/** `1 row`, `12 rows`, `12,345 leaves`. */
export function many(count: number, one: string, more: string = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : more}`
}

/** A moment, or only its day where it begins one. */
export function moment(date: Date): string {
  return date.toISOString().replace(/T00:00:00\.000Z$/, '')
}

const pause = 100

/** How far a command is, in one line that is written again and again, where somebody looks on. */
export class Progress {
  readonly #io: CommandIo
  #shown = 0

  constructor(io: CommandIo) {
    this.#io = io
  }

  /** @throws why the command is to end, where it is */
  show(text: string): void {
    this.#io.signal.throwIfAborted()
    if (!this.#io.isTerminal || Date.now() - this.#shown < pause) return
    this.#shown = Date.now()
    this.#write(`\r\u001b[K${text}`)
  }

  end(): void {
    if (this.#shown > 0) this.#write('\r\u001b[K')
    this.#shown = 0
  }

  /** It is not waited for: how far it was is soon old. */
  #write(text: string): void {
    this.#io.err(text).catch(() => undefined)
  }
}

import { parseArgs } from 'node:util'
import type { Command } from './command.js'

/** What a command was called with makes no sense. */
export class UsageError extends Error {}

/** An option with a value, one that may come several times, or one without a value. */
export type Option = 'text' | 'texts' | 'flag'

const always: Readonly<Record<string, Option>> = { help: 'flag', json: 'flag' }

/** What was typed after the name of a command. */
export class Words {
  readonly #command: Command
  readonly #values: Readonly<Record<string, unknown>>
  readonly #positionals: readonly string[]

  /** @throws UsageError */
  constructor(command: Command, args: readonly string[]) {
    const { values, positionals } = parsed(command, args)
    this.#command = command
    this.#values = values
    this.#positionals = positionals
    const [surplus] = positionals.slice(command.words)
    if (surplus !== undefined) this.refuse(`'${surplus}' is one word too many.`)
  }

  /** @throws UsageError that says how it is written */
  refuse(why: string): never {
    throw new UsageError(`${why}\n${usageOf(this.#command)}`)
  }

  flag(name: string): boolean {
    return this.#values[name] === true
  }

  text(name: string): string | undefined {
    return this.#values[name] as string | undefined
  }

  texts(name: string): readonly string[] {
    return (this.#values[name] ?? []) as readonly string[]
  }

  word(index: number): string | undefined {
    return this.#positionals[index]
  }

  needed(name: string): string {
    return this.text(name) || this.refuse(`--${name} is missing.`)
  }

  neededWord(index: number, what: string): string {
    return this.word(index) || this.refuse(`${what} is missing.`)
  }

  date(name: string): Date | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    return dateOf(text) ?? this.refuse(`--${name} '${text}' is no date: write 2026-01-31, or 2026-01-31T12:00:00Z.`)
  }

  neededDate(name: string): Date {
    this.needed(name)
    return this.date(name) as Date
  }

  /** What is done up to a moment that has not come would be done to what nobody has seen. */
  pastDate(name: string): Date {
    const date = this.neededDate(name)
    if (date.getTime() > Date.now()) this.refuse(`--${name} '${this.text(name)}' has not come yet.`)
    return date
  }
}

/** How a command is written. */
export function usageOf({ name, usage }: Command): string {
  return `Write: countersign ${name}${usage === '' ? '' : ` ${usage}`} [--json]`
}

function parsed(command: Command, args: readonly string[]): ReturnType<typeof parseArgs> {
  const options = Object.entries({ ...always, ...command.options }).map(([name, option]) => [
    name,
    option === 'flag' ? { type: 'boolean' as const } : { type: 'string' as const, multiple: option === 'texts' },
  ])
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: Object.fromEntries(options) })
  } catch (cause) {
    throw new UsageError(`${(cause as Error).message.split('. ')[0]}.\n${usageOf(command)}`, { cause })
  }
}

/** A month, a day, or a moment, in UTC unless it says otherwise. */
function dateOf(text: string): Date | null {
  const match = /^(\d{4})-(\d\d)(?:-(\d\d)(T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?)?$/.exec(text)
  if (!match) return null
  const [, year, month, day = '01', time = 'T00:00:00Z'] = match
  const date = new Date(`${year}-${month}-${day}${time}`)
  // The 31st of February would be a day in March.
  const begin = new Date(`${year}-${month}-${day}T00:00:00Z`)
  return Number.isNaN(date.getTime()) || begin.getUTCDate() !== Number(day) ? null : date
}

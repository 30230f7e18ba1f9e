import type { Command } from './command.js'
import { type Plan } from './command.js'
import { checkpointCommand } from './commands/checkpoint.js'
import { eraseCommand } from './commands/erase.js'
import { exportCommand } from './commands/export.js'
import { holdListCommand, holdPlaceCommand, holdReleaseCommand } from './commands/hold.js'
import { keyNewCommand, keyRotateCommand, keyShowCommand } from './commands/key.js'
import { proveCommand } from './commands/prove.js'
import { monthsCommand, pruneCommand } from './commands/prune.js'
import { sequenceCommand } from './commands/sequence.js'
import { verifyCommand } from './commands/verify.js'
import { UsageError, usageOf, Words } from './words.js'

const commands: readonly Command[] = [
  verifyCommand,
  exportCommand,
  checkpointCommand,
  proveCommand,
  eraseCommand,
  pruneCommand,
  monthsCommand,
  holdPlaceCommand,
  holdReleaseCommand,
  holdListCommand,
  keyNewCommand,
  keyShowCommand,
  keyRotateCommand,
  sequenceCommand,
]

/** What a line asks for: to be told about commands, or that one runs. */
export type Reading = { readonly help: string } | { readonly plan: Plan; readonly out: string | undefined }

/**
 * Reads a command line.
 *
 * @throws UsageError
 */
export function readCommandLine(argv: readonly string[]): Reading {
  const [first = '', second = ''] = argv
  if (first === '--help' || first === '-h' || first === 'help') return { help: overview() }
  const command =
    commands.find(({ name }) => name === `${first} ${second}`) ?? commands.find(({ name }) => name === first)
  if (!command) throw new UsageError(complaintAbout(first))
  const args = argv.slice(command.name.split(' ').length)
  if (args.includes('--help') || args.includes('-h')) return { help: helpOn(command) }
  const words = new Words(command, args)
  return { plan: command.plan(words), out: 'out' in command.options ? words.text('out') : undefined }
}

function complaintAbout(first: string): string {
  if (first === '') return `Say what to do.\n\n${overview()}`
  const group = commands.filter(({ name }) => name.startsWith(`${first} `)).map(({ name }) => name)
  if (group.length > 0) return `Say which: ${group.join(', ')}.`
  return `There is no command '${first}'. countersign --help lists those that there are.`
}

function overview(): string {
  const widest = Math.max(...commands.map(({ name }) => name.length))
  const lines = commands.map(({ name, about }) => `  ${name.padEnd(widest)}  ${about}`)
  return `countersign <command> [--json]

${lines.join('\n')}

Each tells more with --help. They work on DATABASE_URL, or on the data folder DATA_DIR ('data' unless told): in the server
that has it open, where one has. Errors end with 1, what makes no sense with 2.
`
}

function helpOn(command: Command): string {
  return `countersign ${command.name}: ${command.about}

${usageOf(command)}
Example: ${command.example}
`
}

import type { CommandIo } from './command.js'
import { printableLines } from './terminal-text.js'
import { UsageError } from './words.js'

/** Says why a command failed; returns the code to end with. */
export async function endWith(error: unknown, say: CommandIo['err']): Promise<number> {
  // Whoever read it has seen enough.
  if ((error as NodeJS.ErrnoException | null)?.code === 'EPIPE') return 1
  const message = error instanceof Error && error.message !== '' ? error.message : String(error)
  await say(`${printableLines(message.trimEnd())}\n`)
  return error instanceof UsageError ? 2 : 1
}

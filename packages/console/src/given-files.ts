import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { AuditError } from '@countersign/core'
import { fileAnchor, parseCheckpoint } from '@countersign/core/evidence'

/**
 * The text of a file that was named on the command line.
 *
 * @throws AuditError `SETTING_INVALID`
 */
export async function textOfFile(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: unknown) => unreadable(path, cause))
}

/**
 * The checkpoints in a file: of a `fileAnchor`, or one that was put there by hand.
 *
 * @throws AuditError `SETTING_INVALID` for a file that can't be read, or that has none in it
 */
export async function checkpointsOfFile(path: string): Promise<readonly string[]> {
  const text = await textOfFile(path)
  const notes = await fileAnchor({ path }).read()
  if (notes.length > 0) return notes
  if (parseCheckpoint(text)) return [text]
  throw new AuditError(
    'SETTING_INVALID',
    `${path} has no checkpoint in it. Name the file of an anchor, or one that was written with: countersign checkpoint --out <file>`,
  )
}

/** The bytes of a file, or of the standard input for `-`. */
export async function* bytesOf(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* path === '-' ? process.stdin : createReadStream(path, { highWaterMark: 1 << 20 })
  } catch (cause) {
    unreadable(path, cause)
  }
}

function unreadable(path: string, cause: unknown): never {
  const why = (cause as NodeJS.ErrnoException).code ?? String(cause)
  throw new AuditError('SETTING_INVALID', `${path} can't be read (${why}).`, { cause })
}

import type { TreeHead } from './merkle-tree.js'
import type { NoteSigner } from './note-key.js'
import { fromBase64, toBase64 } from './sha256.js'
import { type ParsedNote, parseNote, signNote } from './signed-note.js'

// Checkpoints: https://c2sp.org/tlog-checkpoint

/** What a checkpoint says: of which log, how many leaves it holds, and their root. */
export interface CheckpointText extends TreeHead {
  readonly origin: string
  /** The size of the checkpoint before this one, which must be there; 0 for the first, null where it does not say. */
  readonly previous: number | null
}

/** A checkpoint as a note, taken apart. */
export interface ParsedCheckpoint extends CheckpointText {
  readonly note: ParsedNote
}

const previousLine = 'countersign-previous '

/** A signed statement of a log's state. The fourth line names the checkpoint before, so that none can be taken out. */
export function signCheckpoint({ origin, size, root, previous }: CheckpointText, ...signers: NoteSigner[]): string {
  const extension = previous === null ? '' : `${previousLine}${previous}\n`
  return signNote(`${origin}\n${size}\n${toBase64(root)}\n${extension}`, ...signers)
}

/** Takes a checkpoint apart, without believing it; null where it is none. */
export function parseCheckpoint(note: string): ParsedCheckpoint | null {
  const parsed = parseNote(note)
  if (!parsed) return null
  const [origin = '', size = '', hash, ...extensions] = parsed.text.slice(0, -1).split('\n')
  const root = fromBase64(hash)
  if (origin === '' || !isSize(size) || root === null || extensions.includes('')) return null
  const previous = extensions.find((line) => line.startsWith(previousLine))?.slice(previousLine.length)
  if (previous !== undefined && !isSize(previous)) return null
  return { origin, size: Number(size), root, previous: previous === undefined ? null : Number(previous), note: parsed }
}

function isSize(text: string): boolean {
  return /^(?:0|[1-9]\d*)$/.test(text) && Number.isSafeInteger(Number(text))
}

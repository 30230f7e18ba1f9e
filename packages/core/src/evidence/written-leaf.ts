import { isRowId } from '../reader.js'
import { saltOf } from './bundle-line.js'
import type { FittingLeaf, LogLeaf } from './log-record.js'
import { contentOf, isSalt, leafOf, personalDigestOf } from './row-content.js'
import { fromBase64 } from './sha256.js'
import { writtenRow, writtenTexts } from './written-row.js'

// The quick way for leaves that are as they were written, which is nearly all of them.

const line = new RegExp(
  `^\\{"leaf":(0|[1-9]\\d{0,14}),"id":"([^"]{36})","content":"([^"]{44})","row":${writtenRow},"salt":"([^"]{24})"\\}\\n$`,
)
const row = new RegExp(`^${writtenRow}$`)

/** The leaf of a line of a bundle that is as it was written, and fits its row; null for any other line. */
export function fittingLine(text: string): FittingLeaf | null {
  const match = line.exec(text)
  if (!match) return null
  const [, index, rowId, base64] = match
  const [content, salt] = [fromBase64(base64), saltOf(match.at(-1))]
  if (!isRowId(rowId) || content === null || salt === null) return null
  return fitting({ index: Number(index), rowId, content }, salt, match, 4)
}

/** The same of a leaf whose row is still a text. */
export function fittingText({ index, rowId, content, rowText, salt }: LogLeaf): FittingLeaf | null {
  const match = typeof rowText === 'string' && isSalt(salt) ? row.exec(rowText) : null
  return match && fitting({ index, rowId, content }, salt as Uint8Array, match, 1)
}

function fitting(
  { index, rowId, content }: Pick<LogLeaf, 'index' | 'rowId' | 'content'>,
  salt: Uint8Array,
  match: RegExpExecArray,
  first: number,
): FittingLeaf | null {
  try {
    const { id, personal, facts } = writtenTexts(match, first)
    if (id !== rowId || contentOf(index, personalDigestOf(personal, salt), facts) !== content) return null
    return { index, hash: leafOf(rowId, content), erased: null }
  } catch {
    // What stands between braces may be no JSON.
    return null
  }
}

import type { FittingLeaf, LogLeaf } from './log-record.js'
import { contentOf, factsOf, hasNothingElse, isErased, isSalt, leafOf, personalDigest } from './row-content.js'
import type { Digest } from './sha256.js'

/** What of a leaf a finding about it names. */
export type NamedLeaf = Pick<LogLeaf, 'index' | 'rowId'>

/** A leaf that does not fit its row. */
export type Mismatch =
  /** `gone`: its row is not there; `changed`: its row can't be what it was; `erased`: nobody was allowed to erase it. */
  | { readonly leaf: NamedLeaf; readonly why: 'gone' | 'changed' | 'erased' }
  /** Its row is another one, or was changed. */
  | {
      readonly leaf: LogLeaf
      readonly why: 'other'
      readonly content: Digest
      readonly personal: Digest
      readonly facts: string
    }

/** A leaf held against its row: all that can be said of the two alone, on whatever thread. */
export function fitOf(leaf: LogLeaf): { readonly fitting: FittingLeaf } | Mismatch {
  const { index, rowId, content, row, salt } = leaf
  if (!row) return { leaf, why: 'gone' }
  try {
    const isMeantErased = row.erased_at !== null
    const personal = isMeantErased ? leaf.personal : isSalt(salt) ? personalDigest(row, salt) : null
    if (personal === null || row.id !== rowId || !hasNothingElse(row)) return { leaf, why: 'changed' }
    const facts = factsOf(row)
    const own = contentOf(index, personal, facts)
    if (own !== content) return { leaf, why: 'other', content: own, personal, facts }
    if (isMeantErased && !isErased(row)) return { leaf, why: 'changed' }
    const { id, actor, subject } = row
    return { fitting: { index, hash: leafOf(rowId, content), erased: isMeantErased ? { id, actor, subject } : null } }
  } catch {
    // Somebody else's JSON may have any shape.
    return { leaf, why: 'changed' }
  }
}

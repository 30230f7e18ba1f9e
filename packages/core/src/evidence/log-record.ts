import type { RowJson } from '../row-json.js'
import type { FindingKind } from './findings.js'
import type { FullSubtree } from './merkle-tree.js'
import type { Digest } from './sha256.js'

/** How a log, or a part of it, begins to be read. */
export interface LogHead {
  readonly origin: string
  /** The first leaf that is read. */
  readonly from: number
  /** The leaf before which reading ends; null where it goes on to the end of the log. */
  readonly to: number | null
  /** The roots of the full subtrees before `from`, the largest first. */
  readonly left: readonly Digest[]
  /** The full subtrees from `to` to the size of the last checkpoint, from left to right. */
  readonly right: ReadonlyArray<Pick<FullSubtree, 'level' | 'hash'>>
}

/** A row's place in the log, and the row as far as it is still there. */
export interface LogLeaf {
  readonly index: number
  readonly rowId: string
  readonly content: Digest
  readonly row: RowJson | null
  /** The row as JSON, where nobody took it apart yet: another thread may, before `row` has to. */
  readonly rowText?: string | null
  /** What the personal fields were committed to with; null where they were erased. */
  readonly salt: Uint8Array | null
  /** The digest of the personal fields of a row that was erased. */
  readonly personal: Digest | null
}

/** A checkpoint as it is kept: what it says, and the same in columns to look it up by. */
export interface LogCheckpoint {
  readonly size: number
  readonly root: Digest | null
  readonly note: string
}

/** One thing in the order of a log: receipts first, then leaves, each checkpoint after its last leaf. */
export type LogRecord =
  | { readonly receipt: string }
  | { readonly leaf: LogLeaf }
  | { readonly checkpoint: LogCheckpoint }
  /** A stored node of the tree, after the last leaf that is below it. */
  | { readonly node: FullSubtree }
  /** A row that should have a leaf, and has none. */
  | { readonly stray: string }
  /** What the reader itself found; of a leaf that can't be read, where it knows which it was. */
  | {
      readonly fault: FindingKind
      readonly message: string
      readonly unreadableLeaf?: number
      /** What it is about is read all the same. */
      readonly isKnown?: boolean
      /** It only matters where nothing else was found. */
      readonly unlessExplained?: boolean
    }

/** Of a row whose personal fields were erased: what a receipt knows it by. */
export type ErasedRow = Pick<RowJson, 'id' | 'actor' | 'subject'>

/** A leaf that was held against its row, and fits it. */
export interface FittingLeaf {
  readonly index: number
  readonly hash: Digest
  readonly erased: ErasedRow | null
}

/** A record after its leaf was held against its row: one that does not fit is handed on as it was. */
export type CheckedRecord = LogRecord | { readonly fitting: FittingLeaf }

/** A log to read: records come in batches, because there are millions. */
export interface LogSource {
  readonly head: LogHead
  records(): AsyncIterable<readonly LogRecord[]>
}

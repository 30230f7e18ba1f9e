import { AnchoredStates } from './anchored-states.js'
import { CheckpointChain } from './checkpoint-chain.js'
import { type Finding, type FindingKind, Findings } from './findings.js'
import { fitOf, type Mismatch } from './leaf-fit.js'
import { LeafSequence } from './leaf-sequence.js'
import type { LogKeys } from './log-keys.js'
import { LogReceipts } from './log-receipts.js'
import type { CheckedRecord, ErasedRow, FittingLeaf, LogCheckpoint, LogHead, LogLeaf, LogRecord } from './log-record.js'
import { MisplacedLeaves, type WrongRoot } from './misplaced-leaves.js'
import type { NoteVerifier } from './note-key.js'
import { leafOf } from './row-content.js'
import { type Digest, toBase64 } from './sha256.js'
import { VerifiedTree } from './verified-tree.js'

/** What a log is held against. */
export interface KnownOfLog {
  /** Public keys that are known from elsewhere. Without any, the log's own word is taken for its first key. */
  readonly keys?: readonly NoteVerifier[]
  /** Checkpoints of this log, as notes, that were kept outside of it. */
  readonly anchors?: readonly string[]
}

/** What a verification found. */
export interface VerifyReport {
  readonly sound: boolean
  readonly origin: string
  /** Leaves that were read. */
  readonly leaves: number
  /** The last checkpoint that the log's key vouches for. */
  readonly checkpoint: { readonly size: number; readonly root: string } | null
  readonly findings: readonly Finding[]
  readonly counts: Readonly<Partial<Record<FindingKind, number>>>
  /** Rows whose personal fields were erased, and rows that retention took away: each with its receipt. */
  readonly lawfullyErased: number
  readonly lawfullyRemoved: number
  /** The public keys of the log, in their order: more than one says that it was rotated. */
  readonly keys: readonly string[]
  /** Whether one of them was known to the caller. */
  readonly pinned: boolean
  /** Anchors that the log was held against. */
  readonly anchors: number
}

/** What is known of a log from its receipts, which come before everything else. */
interface Grounds {
  readonly keys: LogKeys
  readonly anchored: AnchoredStates
}

/** Takes a log record by record, and says at its end what is wrong with it. */
export class LogVerification {
  leaves = 0
  readonly #head: LogHead
  readonly #given: KnownOfLog
  readonly #findings = new Findings()
  readonly #misplaced = new MisplacedLeaves(this.#findings)
  readonly #receipts: LogReceipts
  readonly #tree: VerifiedTree
  readonly #sequence: LeafSequence
  readonly #chain: CheckpointChain
  #grounds: Grounds | undefined
  /** What is wrong with leaves that no checkpoint vouches for yet. */
  #unvouched: Mismatch[] = []
  #covered: number
  /** How many leaves lead to a root that was signed. */
  #proved: number
  #wrongRoot: WrongRoot | null = null
  readonly #strays: string[] = []
  readonly #faults: Finding[] = []
  #isRead = false
  /** Lines that can't be read, and of which nobody knows what they were. */
  #unreadable = 0
  #erased = 0
  #removed = 0

  constructor(head: LogHead, given: KnownOfLog) {
    this.#head = head
    this.#given = given
    this.#receipts = new LogReceipts(head.origin, this.#findings)
    this.#tree = new VerifiedTree(head)
    this.#sequence = new LeafSequence(head.from, this.#findings)
    this.#chain = new CheckpointChain(head, this.#findings)
    this.#covered = head.from
    this.#proved = head.from
  }

  take(record: CheckedRecord): void {
    if ('fitting' in record) this.#fitting(record.fitting)
    else if ('leaf' in record) this.#leaf(record.leaf)
    else if ('checkpoint' in record) this.#checkpoint(record.checkpoint)
    else if ('receipt' in record) this.#receipts.take(record.receipt)
    else if ('stray' in record) this.#strays.push(record.stray)
    else if ('node' in record) this.#node(record.node)
    else this.#fault(record)
  }

  end(): VerifyReport {
    const { keys, anchored } = this.#known()
    const { to } = this.#head
    if (to !== null) this.#sequence.reach(to)
    this.#sequence.end(this.#covered)
    this.#misplaced.settle(this.#wrongRoot)
    this.#chain.end(this.#unreadable)
    this.#uncovered()
    this.#strayRows()
    if (this.#wrongRoot && this.#findings.none) this.#altered(this.#wrongRoot)
    if (this.#findings.none) this.#unproved()
    const isWhole = to === null && !this.#findings.counts.truncated
    anchored.end(this.#sequence.next, this.#wrongRoot === null && this.#tree.intact, isWhole)
    if (isWhole && !this.#faults.some(({ kind }) => kind === 'truncated')) this.#rolledBack()
    if (this.#findings.none) for (const fault of this.#faults) this.#findings.add(fault)
    return this.#report(keys, anchored.met)
  }

  /** The keys are known before everything else: with the first thing that is no receipt. */
  #known(): Grounds {
    if (this.#grounds) return this.#grounds
    const { keys: known = [], anchors = [] } = this.#given
    const keys = this.#receipts.settle(known)
    if (keys.distrust !== null && this.#isRead) this.#findings.add({ kind: 'forged', message: keys.distrust })
    const anchored = new AnchoredStates(anchors, this.#head, keys, this.#findings)
    this.#grounds = { keys, anchored }
    anchored.meet(this.#head.from, this.#tree)
    return this.#grounds
  }

  /** There is more than receipts. */
  #begin(): Grounds {
    this.#isRead = true
    return this.#known()
  }

  #leaf(leaf: LogLeaf): void {
    this.#begin()
    const fit = fitOf(leaf)
    if ('fitting' in fit) this.#fitting(fit.fitting)
    else this.#place(leaf.index, leafOf(leaf.rowId, leaf.content), () => this.#inexcusable(fit))
  }

  #fitting({ index, hash, erased }: FittingLeaf): void {
    this.#begin()
    this.#place(index, hash, erased && (() => this.#unallowed(index, erased)))
  }

  /** A leaf that comes twice is said to; what a receipt allows is for the first of them. */
  #place(index: number, hash: Digest, mismatchOf: (() => Mismatch | null) | null): void {
    const { to } = this.#head
    if (to !== null && index >= to) {
      this.#findings.add({ kind: 'altered', message: `Leaf ${index} is none of the part that this is.`, leaf: index })
      return
    }
    this.leaves++
    const expected = this.#sequence.next
    const arrival = this.#sequence.admit(index)
    const mismatch = arrival === 'twice' ? null : mismatchOf?.()
    if (mismatch) this.#unvouched.push(mismatch)
    if (arrival !== 'next') return
    if (index > expected) this.#tree.break()
    this.#tree.append(hash)
    this.#known().anchored.meet(this.#sequence.next, this.#tree)
  }

  #inexcusable(mismatch: Mismatch): Mismatch | null {
    const { rowId, index } = mismatch.leaf
    if (mismatch.why !== 'gone' || !this.#receipts.lawful.allowRemovalOf(rowId, index)) return mismatch
    this.#removed++
    return null
  }

  #unallowed(index: number, row: ErasedRow): Mismatch | null {
    const leaf = { index, rowId: row.id }
    try {
      if (!this.#receipts.lawful.allowErasureOf(row)) return { leaf, why: 'erased' }
      this.#erased++
      return null
    } catch {
      // Somebody else's JSON may have any shape.
      return { leaf, why: 'changed' }
    }
  }

  #checkpoint(kept: LogCheckpoint): void {
    const { keys, anchored } = this.#begin()
    const before = this.#chain.last?.size ?? this.#head.from
    const checkpoint = this.#chain.admit(kept, keys)
    if (!checkpoint) return
    const { size } = checkpoint
    anchored.contradict(checkpoint)
    if (size < this.#sequence.next) this.#late(size)
    this.#tree.appendRest(size)
    const { to } = this.#head
    if (size > this.#sequence.next && (to === null || size <= to)) this.#tree.break()
    this.#sequence.reach(to === null ? size : Math.min(size, to))
    const verdict = this.#tree.holdAgainst(checkpoint)
    if (verdict === 'wrong') this.#wrongRoot ??= { after: before, size }
    if (verdict === 'right') this.#proved = size
    anchored.meet(size, this.#tree)
    for (const mismatch of this.#unvouched) this.#misplaced.add(mismatch)
    this.#unvouched = []
    this.#covered = size
  }

  #late(size: number): void {
    const message = `The checkpoint of ${size} leaves comes after later leaves.`
    this.#findings.add({ kind: 'reordered', message, checkpoint: size })
  }

  #node(node: Parameters<VerifiedTree['agreesWith']>[0]): void {
    if (this.#tree.agreesWith(node)) return
    const message = `The stored node ${node.index} of level ${node.level} is not that of the leaves below it.`
    this.#faults.push({ kind: 'altered', message })
  }

  #fault(record: Extract<LogRecord, { readonly fault: FindingKind }>): void {
    const { fault, message, unreadableLeaf, isKnown, unlessExplained } = record
    if (unlessExplained) {
      this.#faults.push({ kind: fault, message })
      return
    }
    this.#findings.add({ kind: fault, message })
    if (unreadableLeaf !== undefined) {
      this.#sequence.admit(unreadableLeaf)
      this.#tree.break()
    } else if (!isKnown) this.#unreadable++
  }

  /** A receipt is of leaves that were there. What could not be read may have been some of them. */
  #rolledBack(): void {
    const { last } = this.#receipts
    const most = Math.max(this.#sequence.next, this.#chain.claimed)
    if (!last || last.size <= most + this.#unreadable) return
    const message = `The receipt ${last.id} was signed when there were ${last.size} leaves, and the log has ${most}.`
    this.#findings.add({ kind: 'rolled_back', message })
  }

  /** A checkpoint is stored together with the leaves it is about: leaves after the last one have lost theirs, or never had one. */
  #uncovered(): void {
    for (const { leaf } of this.#unvouched) {
      const message = `Leaf ${leaf.index} is vouched for by no checkpoint, and its row is not what it says.`
      this.#findings.add({ kind: 'forged', message, leaf: leaf.index, rowId: leaf.rowId })
    }
    const { next } = this.#sequence
    const isExplained = next <= this.#chain.claimed || this.#unvouched.length > 0 || this.#unreadable > 0
    if (next <= this.#covered || isExplained) return
    const message = `The checkpoint of the leaves from ${this.#covered} to ${next - 1} is gone.`
    this.#findings.add({ kind: 'truncated', message, leaf: this.#covered })
  }

  /** Rows whose leaves are gone were named by their leaves. */
  #strayRows(): void {
    if (this.#strays.length <= this.#sequence.lost + this.#misplaced.renamed) return
    for (const rowId of this.#strays) {
      const message = `The row ${rowId} has no leaf, and should have one: it did not come as rows do.`
      this.#findings.add({ kind: 'forged', message, rowId })
    }
  }

  /** What leads to no signed root proves nothing, however well it fits together. */
  #unproved(): void {
    const size = this.#chain.last?.size ?? this.#sequence.next
    if (this.leaves === 0 || this.#proved === size) return
    const message = `The leaves from ${this.#proved} on lead to no root that was signed.`
    this.#findings.add({ kind: 'altered', message, leaf: this.#proved })
  }

  #altered({ after, size }: WrongRoot): void {
    const message = `Of the leaves from ${after} to ${size - 1} some are not those that were signed, and their rows were changed with them.`
    this.#findings.add({ kind: 'altered', message, leaf: after, checkpoint: size })
  }

  #report(keys: LogKeys, anchors: number): VerifyReport {
    const { last } = this.#chain
    return {
      sound: this.#findings.none,
      origin: this.#head.origin,
      leaves: this.leaves,
      checkpoint: last && { size: last.size, root: toBase64(last.root) },
      findings: this.#findings.kept,
      counts: this.#findings.counts,
      lawfullyErased: this.#erased,
      lawfullyRemoved: this.#removed,
      keys: keys.keys.map(({ verifier }) => verifier.text),
      pinned: keys.pinned,
      anchors,
    }
  }
}

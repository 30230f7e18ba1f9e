import { AnchoredStates } from './anchored-states.js'
import { CheckpointChain } from './checkpoint-chain.js'
import { type Finding, type FindingKind, Findings } from './findings.js'
import { LawfulChanges } from './lawful-changes.js'
import { LeafSequence } from './leaf-sequence.js'
import { LogKeys } from './log-keys.js'
import type { LogCheckpoint, LogLeaf, LogRecord, LogSource } from './log-record.js'
import { type Mismatch, MisplacedLeaves, type WrongRoot } from './misplaced-leaves.js'
import type { NoteVerifier } from './note-key.js'
import { type ParsedReceipt, parseReceipt } from './receipt.js'
import { contentOf, factsOf, isErased, isSalt, leafOf, personalDigest } from './row-content.js'
import { toBase64 } from './sha256.js'
import { VerifiedTree } from './verified-tree.js'

/** What a verification is told. */
export interface VerifyOptions {
  /** Public keys that are known from elsewhere. Without any, the log's own word is taken for its first key. */
  readonly keys?: readonly NoteVerifier[]
  /** Checkpoints of this log, as notes, that were kept outside of it. */
  readonly anchors?: readonly string[]
  /** Told now and then how many leaves were read. */
  readonly onProgress?: (leaves: number) => void
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

/**
 * Reads a log from its beginning to its end and says what is wrong with it. It needs memory for what it finds, not
 * for what it reads.
 *
 * @example
 * import { createReadStream } from 'node:fs'
 *
 * const keys = [noteVerifier('example.org/audit+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k')]
 * const report = await verifyLog(await readBundle(createReadStream('trail.jsonl')), { keys })
 * if (!report.sound) console.error(report.findings)
 */
export async function verifyLog(source: LogSource, options: VerifyOptions = {}): Promise<VerifyReport> {
  const verification = new LogVerification(source, options)
  for await (const records of source.records()) {
    for (const record of records) verification.take(record)
    options.onProgress?.(verification.leaves)
  }
  return verification.end()
}

/** What is known of a log from its receipts, which come before everything else. */
interface Grounds {
  readonly keys: LogKeys
  readonly lawful: LawfulChanges
  readonly anchored: AnchoredStates
}

class LogVerification {
  leaves = 0
  readonly #source: LogSource
  readonly #options: VerifyOptions
  readonly #findings = new Findings()
  readonly #misplaced = new MisplacedLeaves(this.#findings)
  readonly #receipts: ParsedReceipt[] = []
  readonly #tree: VerifiedTree
  readonly #sequence: LeafSequence
  readonly #chain: CheckpointChain
  #grounds: Grounds | undefined
  /** What is wrong with leaves that no checkpoint vouches for yet. */
  #unvouched: Mismatch[] = []
  #covered: number
  #wrongRoot: WrongRoot | null = null
  readonly #strays: string[] = []
  readonly #faults: Finding[] = []
  #isRead = false
  /** Lines that can't be read, and of which nobody knows what they were. */
  #unreadable = 0
  #erased = 0
  #removed = 0

  constructor(source: LogSource, options: VerifyOptions) {
    this.#source = source
    this.#options = options
    this.#tree = new VerifiedTree(source.head)
    this.#sequence = new LeafSequence(source.head.from, this.#findings)
    this.#chain = new CheckpointChain(source.head, this.#findings)
    this.#covered = source.head.from
  }

  take(record: LogRecord): void {
    if ('leaf' in record) this.#leaf(record.leaf)
    else if ('checkpoint' in record) this.#checkpoint(record.checkpoint)
    else if ('receipt' in record) this.#receipt(record.receipt)
    else if ('stray' in record) this.#strays.push(record.stray)
    else if ('node' in record) this.#node(record.node)
    else this.#fault(record)
  }

  end(): VerifyReport {
    const { keys, anchored } = this.#known()
    const { to } = this.#source.head
    if (to !== null) this.#sequence.reach(to)
    this.#sequence.end(this.#covered)
    this.#misplaced.settle(this.#wrongRoot)
    this.#chain.end(this.#unreadable)
    this.#uncovered()
    this.#strayRows()
    if (this.#wrongRoot && this.#findings.none) this.#altered(this.#wrongRoot)
    const whole = this.#findings.counts
    anchored.end(this.#sequence.next, this.#wrongRoot === null && this.#tree.intact, to === null && !whole.truncated)
    if (this.#findings.none) for (const fault of this.#faults) this.#findings.add(fault)
    return this.#report(keys, anchored.met)
  }

  #receipt(text: string): void {
    const parsed = parseReceipt(text)
    if (!parsed || parsed.origin !== this.#source.head.origin)
      this.#findings.add({ kind: 'forged', message: 'A receipt is none of this log, or can not be read.' })
    else if (this.#grounds) this.#allow(parsed, this.#grounds)
    else this.#receipts.push(parsed)
  }

  /** The keys are known before everything else: with the first thing that is no receipt. */
  #known(): Grounds {
    if (this.#grounds) return this.#grounds
    const { keys: known = [], anchors = [] } = this.#options
    const keys = new LogKeys(this.#receipts, known)
    if (keys.distrust !== null && this.#isRead) this.#findings.add({ kind: 'forged', message: keys.distrust })
    const anchored = new AnchoredStates(anchors, this.#source.head, keys, this.#findings)
    this.#grounds = { keys, lawful: new LawfulChanges(), anchored }
    for (const parsed of this.#receipts) this.#allow(parsed, this.#grounds)
    return this.#grounds
  }

  #allow({ receipt, note }: ParsedReceipt, { keys, lawful }: Grounds): void {
    if (receipt.kind === 'key') return
    if (keys.haveSigned(note, receipt.size, 'receipt')) {
      lawful.allow(receipt)
      return
    }
    const message = `The receipt ${receipt.id} is not signed by the log's key.`
    this.#findings.add({ kind: 'forged', message })
  }

  #leaf(leaf: LogLeaf): void {
    this.#isRead = true
    const { anchored } = this.#known()
    this.leaves++
    const expected = this.#sequence.next
    const isNext = this.#sequence.admit(leaf.index)
    const mismatch = this.#mismatchOf(leaf)
    if (mismatch) this.#unvouched.push(mismatch)
    if (!isNext) return
    if (leaf.index > expected) this.#tree.break()
    this.#tree.append(leafOf(leaf.rowId, leaf.content))
    anchored.meet(this.#sequence.next, this.#tree)
  }

  #mismatchOf(leaf: LogLeaf): Mismatch | null {
    const { lawful } = this.#known()
    const { index, rowId, content, row, salt } = leaf
    if (!row) {
      if (!lawful.allowRemovalOf(rowId)) return { leaf, why: 'gone' }
      this.#removed++
      return null
    }
    try {
      const isMeantErased = row.erased_at !== null
      const personal = isMeantErased ? leaf.personal : isSalt(salt) ? personalDigest(row, salt) : null
      if (personal === null || row.id !== rowId) return { leaf, why: 'changed' }
      const facts = factsOf(row)
      const own = contentOf(index, personal, facts)
      if (own !== content) return { leaf, why: 'other', content: own, personal, facts }
      if (!isMeantErased) return null
      if (!isErased(row)) return { leaf, why: 'changed' }
      if (!lawful.allowErasureOf(row)) return { leaf, why: 'erased' }
      this.#erased++
      return null
    } catch {
      // Somebody else's JSON may have any shape.
      return { leaf, why: 'changed' }
    }
  }

  #checkpoint(kept: LogCheckpoint): void {
    this.#isRead = true
    const { keys, anchored } = this.#known()
    const before = this.#chain.last?.size ?? this.#source.head.from
    const checkpoint = this.#chain.admit(kept, keys)
    if (!checkpoint) return
    const { size } = checkpoint
    anchored.contradict(checkpoint)
    if (size < this.#sequence.next) this.#late(size)
    this.#tree.appendRest(size)
    const { to } = this.#source.head
    if (size > this.#sequence.next && (to === null || size <= to)) this.#tree.break()
    this.#sequence.reach(to === null ? size : Math.min(size, to))
    if (this.#tree.holdAgainst(checkpoint) === 'wrong') this.#wrongRoot ??= { after: before, size }
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

  #altered({ after, size }: WrongRoot): void {
    const message = `Of the leaves from ${after} to ${size - 1} some are not those that were signed, and their rows were changed with them.`
    this.#findings.add({ kind: 'altered', message, leaf: after, checkpoint: size })
  }

  #report(keys: LogKeys, anchors: number): VerifyReport {
    const { last } = this.#chain
    return {
      sound: this.#findings.none,
      origin: this.#source.head.origin,
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

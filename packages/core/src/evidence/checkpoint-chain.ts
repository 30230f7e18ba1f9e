import { type ParsedCheckpoint, parseCheckpoint } from './checkpoint.js'
import type { FindingKind, Findings } from './findings.js'
import type { LogKeys } from './log-keys.js'
import type { LogCheckpoint, LogHead } from './log-record.js'

/** Checkpoints one after the other: signed, what their columns say, and none left out between them. */
export class CheckpointChain {
  readonly #head: LogHead
  readonly #findings: Findings
  /** The sizes that were seen since the last one that counts, and that one's: what the next one may follow. */
  #before: number[] = [0]
  /** Sizes that others follow, and that were not seen. */
  readonly #missing = new Set<number>()
  /** The most leaves that any checkpoint claims, whoever signed it. */
  claimed = 0
  last: ParsedCheckpoint | null = null

  constructor(head: LogHead, findings: Findings) {
    this.#head = head
    this.#findings = findings
  }

  /** The checkpoint, when the log's key vouches for it, and it comes where it belongs. */
  admit(kept: LogCheckpoint, keys: LogKeys): ParsedCheckpoint | null {
    const parsed = parseCheckpoint(kept.note)
    this.claimed = Math.max(this.claimed, kept.size)
    this.#before.push(kept.size)
    this.#missing.delete(kept.size)
    if (parsed) {
      this.#before.push(parsed.size)
      this.#missing.delete(parsed.size)
    }
    if (!parsed || parsed.origin !== this.#head.origin || !keys.haveSigned(parsed.note, parsed.size, 'checkpoint')) {
      this.#add('forged', kept.size, "is not signed by the log's key")
      return null
    }
    if (parsed.size !== kept.size || (kept.root !== null && parsed.root !== kept.root)) {
      this.#add('altered', parsed.size, 'says something else than what is kept beside it')
      return null
    }
    return this.#isInPlace(parsed) ? this.#follow(parsed) : null
  }

  /** Nothing more will come. Lines that can't be read may have been checkpoints. */
  end(unreadable: number): void {
    if (this.#missing.size <= unreadable) return
    for (const size of this.#missing) this.#add('removed', size, 'is gone')
  }

  #isInPlace({ size }: ParsedCheckpoint): boolean {
    if (!this.last || size > this.last.size) return true
    if (size === this.last.size) this.#add('forged', size, 'comes twice')
    else this.#add('reordered', size, 'comes after a later one')
    return false
  }

  #follow(checkpoint: ParsedCheckpoint): ParsedCheckpoint {
    const { previous } = checkpoint
    if (previous !== null && this.#mustFollow(checkpoint) && !this.#before.includes(previous))
      this.#missing.add(previous)
    this.#before = [checkpoint.size]
    this.last = checkpoint
    return checkpoint
  }

  /** The first one of a part follows one that is not read, and so does the last one where the end is not read. */
  #mustFollow({ size }: ParsedCheckpoint): boolean {
    const { from, to } = this.#head
    if (to !== null && size > to) return false
    return this.last !== null || from === 0
  }

  #add(kind: FindingKind, size: number, what: string): void {
    this.#findings.add({ kind, message: `The checkpoint of ${size} leaves ${what}.`, checkpoint: size })
  }
}

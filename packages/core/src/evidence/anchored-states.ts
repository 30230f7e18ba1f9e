import { type ParsedCheckpoint, parseCheckpoint } from './checkpoint.js'
import type { Findings } from './findings.js'
import type { LogKeys } from './log-keys.js'
import type { LogHead } from './log-record.js'
import type { VerifiedTree } from './verified-tree.js'

/** Checkpoints that were kept outside of the log, held against what is in it. */
export class AnchoredStates {
  readonly #findings: Findings
  readonly #all: ParsedCheckpoint[] = []
  /** Those that the log has not reached yet, the smallest first. */
  #anchors: ParsedCheckpoint[] = []
  readonly #wrong: ParsedCheckpoint[] = []
  #contradicted = false
  met = 0

  constructor(notes: readonly string[], head: LogHead, keys: LogKeys, findings: Findings) {
    this.#findings = findings
    for (const note of notes) {
      const anchor = parseCheckpoint(note)
      if (anchor && anchor.origin === head.origin && keys.haveSigned(anchor.note, anchor.size, 'checkpoint')) {
        if (anchor.size >= head.from) this.#all.push(anchor)
      } else {
        const message = `An anchor is no checkpoint of '${head.origin}' that its key signed.`
        findings.add({ kind: 'forged', message, ...(anchor ? { checkpoint: anchor.size } : {}) })
      }
    }
    this.#anchors = this.#all.sort((a, b) => a.size - b.size).slice()
  }

  /** The log has that many leaves now. */
  meet(size: number, tree: VerifiedTree): void {
    while ((this.#anchors[0]?.size ?? Number.POSITIVE_INFINITY) <= size) {
      const anchor = this.#anchors.shift() as ParsedCheckpoint
      if (anchor.size < size) continue
      this.met++
      if (tree.holdAgainst(anchor) === 'wrong') this.#wrong.push(anchor)
    }
  }

  /** The log itself vouches for another root of the same size. */
  contradict({ size, root }: ParsedCheckpoint): void {
    const other = this.#all.find((anchor) => anchor.size === size && anchor.root !== root)
    if (!other) return
    this.#contradicted = true
    this.#report(other, `An anchor vouches for another log of ${size} leaves.`)
  }

  /** What is left is beyond the end. A log that its own checkpoints contradict is not said to be another one as well. */
  end(size: number, isItself: boolean, isWhole: boolean): void {
    if (isItself && !this.#contradicted)
      for (const anchor of this.#wrong) this.#report(anchor, 'An anchor vouches for another beginning.')
    const [beyond] = isWhole ? this.#anchors.filter((anchor) => anchor.size > size) : []
    if (beyond) {
      this.met++
      this.#report(beyond, `An anchor vouches for ${beyond.size} leaves, and the log has ${size}.`)
    }
  }

  #report({ size }: ParsedCheckpoint, message: string): void {
    this.#findings.add({ kind: 'rolled_back', message, checkpoint: size })
  }
}

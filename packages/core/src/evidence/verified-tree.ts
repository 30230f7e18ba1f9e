import type { ParsedCheckpoint } from './checkpoint.js'
import type { LogHead } from './log-record.js'
import { storedLevels } from './merkle-proofs.js'
import { CompactTree, type FullSubtree } from './merkle-tree.js'
import type { Digest } from './sha256.js'

/** What became of a signed root that was held against the leaves. */
export type RootVerdict = 'right' | 'wrong' | 'unknown'

/** The tree of the leaves that were read, as long as none is missing. */
export class VerifiedTree {
  readonly #tree: CompactTree
  readonly #right: LogHead['right']
  readonly #end: number | null
  /** Nodes that a store should have, until it was seen that it has them. */
  readonly #stored = new Map<string, Digest>()
  #broken: boolean

  constructor({ from, to, left, right }: LogHead) {
    this.#tree = new CompactTree((subtree) => this.#note(subtree))
    this.#broken = !this.#tree.resume(from, left)
    this.#right = right
    this.#end = to
  }

  get intact(): boolean {
    return !this.#broken
  }

  /** From here on nobody knows what the roots should be. */
  break(): void {
    this.#broken = true
  }

  append(leaf: Digest): void {
    if (!this.#broken) this.#tree.append(leaf)
  }

  /** Goes on with what comes after the last leaf that is read, where the end of the log is not read. */
  appendRest(size: number): void {
    if (this.#broken || this.#end === null || this.#tree.size !== this.#end || size <= this.#end) return
    for (const { level, hash } of this.#right) if (!this.#tree.appendSubtree(level, hash)) this.#broken = true
  }

  holdAgainst({ size, root }: Pick<ParsedCheckpoint, 'size' | 'root'>): RootVerdict {
    if (this.#broken || size !== this.#tree.size) return 'unknown'
    return this.#tree.root() === root ? 'right' : 'wrong'
  }

  /** Whether a node of the store is that of the leaves; true where that is not known any more. */
  agreesWith({ level, index, hash }: FullSubtree): boolean {
    const name = `${level}/${index}`
    const known = this.#stored.get(name)
    this.#stored.delete(name)
    return this.#broken || known === hash
  }

  #note({ level, index, hash }: FullSubtree): void {
    if (level % storedLevels === 0) this.#stored.set(`${level}/${index}`, hash)
  }
}

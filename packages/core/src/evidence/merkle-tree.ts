import { type Digest, sha256 } from './sha256.js'

// The Merkle tree of RFC 9162, section 2.1, with SHA-256.

const pair = Buffer.alloc(65)
pair[0] = 1

/** The hash of an inner node, from those of its two subtrees. */
export function nodeHash(left: Digest, right: Digest): Digest {
  pair.write(left, 1, 'latin1')
  pair.write(right, 33, 'latin1')
  return sha256(pair)
}

/** The hash of a leaf, from the bytes that it stands for. */
export function leafHash(entry: Uint8Array): Digest {
  return sha256(Buffer.concat([Buffer.alloc(1), entry]))
}

/** The root of a log without leaves. */
const emptyRoot: Digest = sha256('')

/** A subtree in which no leaf is missing: `2 ** level` leaves, of which the first is at `index * 2 ** level`. */
export interface FullSubtree {
  readonly level: number
  readonly index: number
  readonly hash: Digest
}

/**
 * What of a growing tree must be remembered to go on: the roots of the few full subtrees that it is
 * made of, the largest first.
 */
export class CompactTree {
  #size = 0
  #roots: Digest[] = []
  readonly #onSubtree: ((subtree: FullSubtree) => void) | undefined

  /** Tells of every full subtree as it is completed, single leaves apart. */
  constructor(onSubtree?: (subtree: FullSubtree) => void) {
    this.#onSubtree = onSubtree
  }

  get size(): number {
    return this.#size
  }

  /** The largest first, as {@link resume} takes them. */
  get roots(): readonly Digest[] {
    return this.#roots
  }

  /** Goes on where another left off; false where that many leaves leave other subtrees. */
  resume(size: number, roots: readonly Digest[]): boolean {
    if (roots.length !== subtreesOf(size)) return false
    this.#size = size
    this.#roots = [...roots]
    return true
  }

  append(leaf: Digest): void {
    this.appendSubtree(0, leaf)
  }

  /** A full subtree at once; false where the tree does not end at a place where one of that height begins. */
  appendSubtree(height: number, root: Digest): boolean {
    const span = 2 ** height
    if (this.#size % span !== 0) return false
    let [level, hash, index] = [height, root, this.#size / span]
    this.#size += span
    while (index % 2 === 1) {
      hash = nodeHash(this.#roots.pop() as Digest, hash)
      index = (index - 1) / 2
      level++
      this.#onSubtree?.({ level, index, hash })
    }
    this.#roots.push(hash)
    return true
  }

  root(): Digest {
    const last = this.#roots.at(-1)
    if (last === undefined) return emptyRoot
    return this.#roots.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last)
  }
}

/** How many full subtrees a tree of that size is made of: the ones in its binary form. */
export function subtreesOf(size: number): number {
  let ones = 0
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2
  return ones
}

/** Which leaf a proof is about, and in a tree of which size. */
export interface LeafPlace {
  readonly index: number
  readonly size: number
}

/** The root that an inclusion proof leads to (section 2.1.3.2); null where the proof fits no such tree. */
export function rootOfInclusion({ index, size }: LeafPlace, leaf: Digest, proof: readonly Digest[]): Digest | null {
  if (!(index >= 0 && index < size)) return null
  let [node, last, root] = [index, size - 1, leaf]
  for (const sibling of proof) {
    if (last === 0) return null
    if (node % 2 === 1 || node === last) {
      root = nodeHash(sibling, root)
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)]
    } else root = nodeHash(root, sibling)
    ;[node, last] = [Math.floor(node / 2), Math.floor(last / 2)]
  }
  return last === 0 ? root : null
}

/** A state of a log: how many leaves it holds, and their root. */
export interface TreeHead {
  readonly size: number
  readonly root: Digest
}

/** True where the proof shows that the second tree begins with the first one (section 2.1.4.2). */
export function isConsistent(first: TreeHead, second: TreeHead, proof: readonly Digest[]): boolean {
  if (first.size > second.size) return false
  if (first.size === second.size) return proof.length === 0 && first.root === second.root
  if (first.size === 0) return proof.length === 0 && first.root === emptyRoot
  const path = isPowerOfTwo(first.size) ? [first.root, ...proof] : [...proof]
  let [node, last] = [first.size - 1, second.size - 1]
  while (node % 2 === 1) [node, last] = [(node - 1) / 2, Math.floor(last / 2)]
  const start = path.shift()
  if (start === undefined) return false
  let [old, grown] = [start, start]
  for (const sibling of path) {
    if (last === 0) return false
    if (node % 2 === 1 || node === last) {
      old = nodeHash(sibling, old)
      grown = nodeHash(sibling, grown)
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)]
    } else grown = nodeHash(grown, sibling)
    ;[node, last] = [Math.floor(node / 2), Math.floor(last / 2)]
  }
  return last === 0 && old === first.root && grown === second.root
}

function isPowerOfTwo(size: number): boolean {
  return subtreesOf(size) === 1
}

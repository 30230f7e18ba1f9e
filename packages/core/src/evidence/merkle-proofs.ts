import { type LeafPlace, nodeHash } from './merkle-tree.js'
import type { Digest } from './sha256.js'

/** A run of full subtrees of one level, the first of them at `from`, the last before `to`. */
export interface SubtreeRange {
  readonly level: number
  readonly from: number
  readonly to: number
}

/** Answers the hashes of the range, in their order: of the leaves at level 0, of inner nodes above. */
export type SubtreeReader = (range: SubtreeRange) => Promise<readonly Digest[]>

/**
 * The levels whose nodes are stored are the multiples of this: a proof reads at most 255 hashes for each, and the
 * nodes of a log take a 256th of its leaves.
 */
export const storedLevels = 8

/** An inclusion proof (RFC 9162, section 2.1.3.1): the hashes that lead from a leaf to the root. */
export async function inclusionProof({ index, size }: LeafPlace, read: SubtreeReader): Promise<Digest[]> {
  const proof: Digest[] = []
  let [from, to] = [0, size]
  while (to - from > 1) {
    const middle = from + splitOf(to - from)
    const isLeft = index < middle
    proof.unshift(await rangeRoot(isLeft ? middle : from, isLeft ? to : middle, read))
    ;[from, to] = isLeft ? [from, middle] : [middle, to]
  }
  return proof
}

/** A consistency proof (section 2.1.4.1): the hashes that show that a tree of `second` leaves begins with one of `first`. */
export async function consistencyProof(first: number, second: number, read: SubtreeReader): Promise<Digest[]> {
  const proof: Digest[] = []
  if (first === 0 || first === second) return proof
  let [from, to, isWhole] = [0, second, true]
  while (first !== to) {
    const middle = from + splitOf(to - from)
    if (first <= middle) {
      proof.unshift(await rangeRoot(middle, to, read))
      to = middle
    } else {
      proof.unshift(await rangeRoot(from, middle, read))
      ;[from, isWhole] = [middle, false]
    }
  }
  if (!isWhole) proof.unshift(await rangeRoot(from, to, read))
  return proof
}

/** The full subtrees that a run of leaves is made of, from left to right. */
export function fullSubtrees(first: number, end: number): Array<{ from: number; span: number }> {
  const parts: Array<{ from: number; span: number }> = []
  for (let from = first; from < end; ) {
    let span = 1
    while (from % (span * 2) === 0 && from + span * 2 <= end) span *= 2
    parts.push({ from, span })
    from += span
  }
  return parts
}

/** The root of the leaves from `from` to before `to`, which begin where a subtree of that height does. */
export async function rangeRoot(from: number, to: number, read: SubtreeReader): Promise<Digest> {
  const parts: Digest[] = []
  for (const { from: start, span } of fullSubtrees(from, to)) parts.push(await subtreeRoot(start, span, read))
  return parts.reduceRight((right, left) => nodeHash(left, right))
}

async function subtreeRoot(from: number, span: number, read: SubtreeReader): Promise<Digest> {
  const height = Math.log2(span)
  const level = height - (height % storedLevels)
  const width = 2 ** level
  let nodes = await read({ level, from: from / width, to: (from + span) / width })
  while (nodes.length > 1) nodes = pairsOf(nodes)
  return nodes[0] as Digest
}

function pairsOf(nodes: readonly Digest[]): Digest[] {
  const parents: Digest[] = []
  for (let index = 0; index + 1 < nodes.length; index += 2)
    parents.push(nodeHash(nodes[index] as Digest, nodes[index + 1] as Digest))
  return parents
}

/** The largest power of two below a size of two or more. */
function splitOf(size: number): number {
  let split = 1
  while (split * 2 < size) split *= 2
  return split
}

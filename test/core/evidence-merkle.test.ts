import {
  CompactTree,
  consistencyProof,
  type Digest,
  inclusionProof,
  isConsistent,
  leafHash,
  nodeHash,
  rootOfInclusion,
  type SubtreeReader,
} from '@countersign/core/evidence'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ctConsistencyProofs, ctEntries, ctInclusionProofs, ctRoots } from '../support/merkle-vectors.js'
import * as rfc from '../support/rfc9162.js'

const hex = (digest: Digest): string => Buffer.from(digest, 'latin1').toString('hex')
const digestOf = (digits: string): Digest => Buffer.from(digits, 'hex').toString('latin1')
const ctLeaves = ctEntries.map((entry) => Buffer.from(entry, 'hex'))
const bytesOf = (digest: Digest): Uint8Array => Buffer.from(digest, 'latin1')

/** Reads subtrees of leaves that are all here. */
function readerOf(leaves: readonly Digest[]): SubtreeReader {
  return async ({ level, from, to }) => {
    let nodes = leaves.slice(from * 2 ** level, to * 2 ** level)
    for (let height = 0; height < level; height++)
      nodes = nodes.flatMap((node, index) => (index % 2 === 0 ? [nodeHash(node, nodes[index + 1] as Digest)] : []))
    return nodes
  }
}

function treeOf(entries: readonly Uint8Array[]): { leaves: Digest[]; tree: CompactTree } {
  const leaves = entries.map(leafHash)
  const tree = new CompactTree()
  for (const leaf of leaves) tree.append(leaf)
  return { leaves, tree }
}

describe('the tree, against published vectors', () => {
  it.each(ctRoots)('has the root of $size leaves', ({ root, size }) => {
    expect(hex(treeOf(ctLeaves.slice(0, size)).tree.root())).toBe(root)
  })

  it.each(ctInclusionProofs)('makes and follows the inclusion proof of leaf $index in $size', async (vector) => {
    const { index, size, proof } = vector
    const { leaves, tree } = treeOf(ctLeaves.slice(0, size))
    const made = await inclusionProof({ index, size }, readerOf(leaves))
    expect(made.map(hex)).toEqual(proof)
    expect(rootOfInclusion({ index, size }, leaves[index] as Digest, proof.map(digestOf))).toBe(tree.root())
  })

  it.each(ctConsistencyProofs)('makes and follows the consistency proof of $first and $second', async (vector) => {
    const { first, second, proof } = vector
    const { leaves, tree } = treeOf(ctLeaves.slice(0, second))
    const made = await consistencyProof(first, second, readerOf(leaves))
    expect(made.map(hex)).toEqual(proof)
    const older = { size: first, root: treeOf(ctLeaves.slice(0, first)).tree.root() }
    expect(isConsistent(older, { size: second, root: tree.root() }, proof.map(digestOf))).toBe(true)
  })
})

describe('the tree, against a second implementation from the RFC alone', () => {
  const sizes = fc.integer({ min: 1, max: 600 })
  const entriesOf = (count: number): Uint8Array[] =>
    Array.from({ length: count }, (_, index) => Buffer.from(`entry ${index}`))

  it('has its roots and its inclusion proofs, and is refused one that was changed', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), fc.nat(), async (size, at, where) => {
        const entries = entriesOf(size)
        const { leaves, tree } = treeOf(entries)
        const index = at % size
        expect(hex(tree.root())).toBe(Buffer.from(rfc.treeHead(entries)).toString('hex'))
        const proof = await inclusionProof({ index, size }, readerOf(leaves))
        expect(proof.map(hex)).toEqual(
          rfc.inclusionProof(index, entries).map((hash) => Buffer.from(hash).toString('hex')),
        )
        const given = { leaf: entries[index] as Uint8Array, index, size, root: bytesOf(tree.root()) }
        expect(rfc.verifyInclusion({ ...given, proof: proof.map(bytesOf) })).toBe(true)
        if (proof.length === 0) return
        const changed = proof.with(where % proof.length, nodeHash(proof[0] as Digest, proof[0] as Digest))
        expect(rootOfInclusion({ index, size }, leaves[index] as Digest, changed)).not.toBe(tree.root())
        expect(rootOfInclusion({ index, size }, leaves[index] as Digest, proof.slice(1))).not.toBe(tree.root())
      }),
      { numRuns: 60 },
    )
  })

  it('has its consistency proofs, and is refused one that was changed', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), async (second, at) => {
        const first = (at % second) + 1
        const entries = entriesOf(second)
        const { leaves, tree } = treeOf(entries)
        const older = treeOf(entries.slice(0, first)).tree
        const proof = await consistencyProof(first, second, readerOf(leaves))
        expect(proof.map(hex)).toEqual(
          rfc.consistencyProof(first, entries).map((hash) => Buffer.from(hash).toString('hex')),
        )
        const heads = [
          { size: first, root: older.root() },
          { size: second, root: tree.root() },
        ] as const
        expect(isConsistent(...heads, proof)).toBe(true)
        expect(
          isConsistent(
            { ...heads[0], root: leaves[0] === older.root() ? 'x' : (leaves[0] as Digest) },
            heads[1],
            proof,
          ),
        ).toBe(false)
        if (proof.length > 0) expect(isConsistent(...heads, proof.slice(1))).toBe(false)
      }),
      { numRuns: 60 },
    )
  })

  it('goes on from the roots of its full subtrees as if it had never stopped', () => {
    fc.assert(
      fc.property(sizes, sizes, (before, after) => {
        const entries = entriesOf(before + after)
        const { leaves, tree } = treeOf(entries)
        const { tree: first } = treeOf(entries.slice(0, before))
        const resumed = new CompactTree()
        expect(resumed.resume(before, first.roots)).toBe(true)
        for (const leaf of leaves.slice(before)) resumed.append(leaf)
        expect(resumed.root()).toBe(tree.root())
        expect(new CompactTree().resume(before, [...first.roots, 'x'])).toBe(false)
      }),
      { numRuns: 60 },
    )
  })
})

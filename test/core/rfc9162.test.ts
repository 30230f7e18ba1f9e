import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  accumulatedVectors,
  argon2020,
  ctConsistencyProofs,
  ctEntries,
  ctInclusionProofs,
  ctNodes,
  ctRoots,
} from '../support/merkle-vectors.js'
import {
  type ConsistencyClaim,
  consistencyProof,
  type InclusionClaim,
  inclusionProof,
  treeHead,
  verifyConsistency,
  verifyInclusion,
} from '../support/rfc9162.js'

const fromHex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'))
const fromBase64 = (text: string) => new Uint8Array(Buffer.from(text, 'base64'))
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const flipped = (bytes: Uint8Array) => bytes.map((byte, at) => (at === 0 ? byte ^ 8 : byte))

const entries = ctEntries.map(fromHex)
const rootOf = (size: number) => fromHex(ctRoots[size]?.root ?? '')
/** Entries of one byte each, as many as make trees of every shape up to a size. */
const bytes = (count: number) => Array.from({ length: count }, (_, i) => Uint8Array.of(i))

describe('the second implementation and the published vectors of Certificate Transparency', () => {
  it.each(ctRoots)('the head of $size entries is the published one', ({ size, root }) => {
    expect(hex(treeHead(entries.slice(0, size)))).toBe(root)
  })

  it('the heads of all complete subtrees are the published ones', () => {
    const levels = ctNodes.levels.map((nodes, level) =>
      nodes.map((_, at) => hex(treeHead(entries.slice(at * 2 ** level, (at + 1) * 2 ** level)))),
    )
    expect(levels).toEqual(ctNodes.levels)
  })

  it.each(ctInclusionProofs)('the proof of entry $index among $size is the published one', ({ index, size, proof }) => {
    expect(inclusionProof(index, entries.slice(0, size)).map(hex)).toEqual(proof)
  })

  it.each(ctInclusionProofs)('the published proof of entry $index among $size holds, and no other', (vector) => {
    const { index, size, proof } = vector
    const leaf = entries[index] ?? new Uint8Array()
    const claim = { leaf, index, size, proof: proof.map(fromHex), root: rootOf(size) }
    expect(verifyInclusion(claim)).toBe(true)
    expect(corruptInclusions(claim).filter(verifyInclusion)).toEqual([])
  })

  it.each(ctConsistencyProofs)('the proof from $first to $second is the published one', ({ first, second, proof }) => {
    expect(consistencyProof(first, entries.slice(0, second)).map(hex)).toEqual(proof)
  })

  it.each(ctConsistencyProofs)('the published proof from $first to $second holds, and no other', (vector) => {
    const { first, second } = vector
    const proof = vector.proof.map(fromHex)
    const claim = { first, second, proof, firstRoot: rootOf(first), secondRoot: rootOf(second) }
    expect(verifyConsistency(claim)).toBe(true)
    // Of a tree and itself there is no proof to corrupt.
    expect(corruptConsistencies(claim).filter((corrupt) => proof.length > 0 && verifyConsistency(corrupt))).toEqual([])
  })
})

describe('the second implementation and larger trees', () => {
  it('the heads of all subtrees of 130 entries hash to the published value', () => {
    const sha256 = createHash('sha256')
    for (const [start, end] of subtrees(accumulatedVectors.entries)) {
      sha256.update(`[${start}, ${end}) ${hex(treeHead(bytes(end).slice(start)))}\n`)
    }
    expect(sha256.digest('hex')).toBe(accumulatedVectors.heads)
  })

  it('the proofs of all entries in all subtrees of 130 entries hash to the published value', () => {
    const sha256 = createHash('sha256')
    for (const [start, end] of subtrees(accumulatedVectors.entries)) {
      const tree = bytes(end).slice(start)
      for (let index = start; index < end; index++) {
        const proof = inclusionProof(index - start, tree).map((node) => ` ${hex(node)}`)
        sha256.update(`${index} [${start}, ${end})${proof.join('')}\n`)
      }
    }
    expect(sha256.digest('hex')).toBe(accumulatedVectors.inclusionProofs)
  })

  it('the proofs that a log of almost a billion entries gave hold', () => {
    const { size, inclusion, consistency } = argon2020
    const root = fromBase64(argon2020.root)
    const leaf = fromBase64(inclusion.entry)
    const claim = { leaf, index: inclusion.index, size, root, proof: inclusion.proof.map(fromBase64) }
    expect(verifyInclusion(claim)).toBe(true)
    expect(corruptInclusions(claim).filter(verifyInclusion)).toEqual([])
    const { first } = consistency
    const firstRoot = fromBase64(consistency.firstRoot)
    const grown = { first, second: size, firstRoot, secondRoot: root, proof: consistency.proof.map(fromBase64) }
    expect(verifyConsistency(grown)).toBe(true)
    expect(corruptConsistencies(grown).filter(verifyConsistency)).toEqual([])
  })

  it('every proof that it makes of a tree of up to 40 entries holds', () => {
    const refused: string[] = []
    for (let size = 1; size <= 40; size++) {
      const tree = bytes(size)
      const root = treeHead(tree)
      tree.forEach((leaf, index) => {
        const proof = inclusionProof(index, tree)
        if (!verifyInclusion({ leaf, index, size, proof, root })) refused.push(`entry ${index} among ${size}`)
        const first = index + 1
        const firstRoot = treeHead(tree.slice(0, first))
        const grown = { first, second: size, firstRoot, secondRoot: root, proof: consistencyProof(first, tree) }
        if (!verifyConsistency(grown)) refused.push(`from ${first} to ${size}`)
      })
    }
    expect(refused).toEqual([])
  })
})

describe('what RFC 9162 leaves open', () => {
  const empty = rootOf(0)

  it('every tree is consistent with the tree of no entries, without a proof', () => {
    const grown = { first: 0, second: 3, firstRoot: empty, secondRoot: rootOf(3) }
    expect(verifyConsistency({ ...grown, proof: [] })).toBe(true)
    expect(verifyConsistency({ ...grown, proof: [empty] })).toBe(false)
    expect(verifyConsistency({ ...grown, firstRoot: rootOf(1), proof: [] })).toBe(false)
  })

  it('of trees of one size, only the same are consistent, without a proof', () => {
    const same = { first: 3, second: 3, firstRoot: rootOf(3), secondRoot: rootOf(3) }
    expect(verifyConsistency({ ...same, proof: [] })).toBe(true)
    expect(verifyConsistency({ ...same, proof: [rootOf(3)] })).toBe(false)
    expect(verifyConsistency({ ...same, secondRoot: rootOf(4), proof: [] })).toBe(false)
  })

  it('there is no proof of an entry or a size that the tree does not have', () => {
    for (const index of [-1, 8, 0.5, Number.NaN]) expect(() => inclusionProof(index, entries)).toThrow(RangeError)
    for (const first of [-1, 0, 9, 0.5, Number.NaN]) expect(() => consistencyProof(first, entries)).toThrow(RangeError)
  })
})

/** The start and end of every subtree, in the order of the draft that publishes their vectors. */
function subtrees(size: number): Array<[start: number, end: number]> {
  const found: Array<[number, number]> = []
  for (let end = 1; end <= size; end++) {
    for (let start = 0; start < end; start++) {
      const covering = 2 ** Math.ceil(Math.log2(end - start))
      if (start % covering === 0) found.push([start, end])
    }
  }
  return found
}

/** A proof with each of its hashes changed by a bit, and with one more and one less at either end. */
function corruptProofs(proof: readonly Uint8Array[], root: Uint8Array): Uint8Array[][] {
  const changed = proof.map((_, at) => proof.map((node, i) => (i === at ? flipped(node) : node)))
  const longer = [new Uint8Array(), root].flatMap((extra) => [
    [...proof, extra],
    [extra, ...proof],
  ])
  return [...changed, ...longer, ...(proof.length > 0 ? [proof.slice(1), proof.slice(0, -1)] : [])]
}

/** The ways to spoil a claim that the tests of Certificate Transparency and of transparency-dev/merkle try. */
function corruptInclusions(claim: InclusionClaim): InclusionClaim[] {
  const { leaf, index, size, root, proof } = claim
  return [
    ...[index - 1, index + 1, index ^ 2].map((index) => ({ ...claim, index })),
    ...[size * 2, Math.floor(size / 2)].map((size) => ({ ...claim, size })),
    ...[Buffer.from('WrongLeaf'), Uint8Array.of(0, ...leaf)].map((leaf) => ({ ...claim, leaf })),
    ...[rootOf(0), flipped(root), new Uint8Array()].map((root) => ({ ...claim, root })),
    ...corruptProofs(proof, root).map((proof) => ({ ...claim, proof })),
  ]
}

function corruptConsistencies(claim: ConsistencyClaim): ConsistencyClaim[] {
  const { first, second, firstRoot, secondRoot, proof } = claim
  return [
    ...[first - 1, first + 1, first ^ 2].map((first) => ({ ...claim, first })),
    ...[second * 2, Math.floor(second / 2)].map((second) => ({ ...claim, second })),
    ...[Buffer.from('WrongRoot'), flipped(firstRoot)].map((firstRoot) => ({ ...claim, firstRoot })),
    ...[Buffer.from('WrongRoot'), flipped(secondRoot)].map((secondRoot) => ({ ...claim, secondRoot })),
    { ...claim, firstRoot: secondRoot, secondRoot: firstRoot },
    { ...claim, proof: [] },
    ...[firstRoot, secondRoot].flatMap((root) => corruptProofs(proof, root)).map((proof) => ({ ...claim, proof })),
    { ...claim, proof: [...proof.slice(0, 1), ...proof] },
  ]
}

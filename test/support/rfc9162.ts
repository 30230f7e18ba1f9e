import { createHash } from 'node:crypto'

// A second implementation of the log, after RFC 9162, section 2.1, and nothing else: each function is the definition or
// the list of steps of the section that it names, in its words, however slow. What the toolkit computes is held
// against it, so it shares no line with the toolkit.

/** HASH of section 2.1.1, which is SHA-256 in all logs there are (section 10.2.1). */
function hash(...parts: readonly Uint8Array[]): Uint8Array {
  const sha256 = createHash('sha256')
  for (const part of parts) sha256.update(part)
  return new Uint8Array(sha256.digest())
}

/** The prefixes part leaves from nodes, so that neither can be passed off as the other (section 2.1.1). */
const leafHash = (entry: Uint8Array) => hash(Uint8Array.of(0x00), entry)
const nodeHash = (left: Uint8Array, right: Uint8Array) => hash(Uint8Array.of(0x01), left, right)

/** "The largest power of two smaller than n", for n > 1 (section 2.1.1). */
function split(n: number): number {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}

/** MTH(D_n), section 2.1.1: of no entries the hash of nothing. */
export function treeHead(entries: readonly Uint8Array[]): Uint8Array {
  const [only] = entries
  if (!only) return hash()
  if (entries.length === 1) return leafHash(only)
  const k = split(entries.length)
  return nodeHash(treeHead(entries.slice(0, k)), treeHead(entries.slice(k)))
}

/** PATH(m, D_n), section 2.1.3.1, for 0 <= m < n. Throws a RangeError for another index. */
export function inclusionProof(index: number, entries: readonly Uint8Array[]): Uint8Array[] {
  const n = entries.length
  if (!Number.isInteger(index) || index < 0 || index >= n) throw new RangeError(`no entry ${index} among ${n}`)
  if (n === 1) return []
  const k = split(n)
  return index < k
    ? [...inclusionProof(index, entries.slice(0, k)), treeHead(entries.slice(k))]
    : [...inclusionProof(index - k, entries.slice(k)), treeHead(entries.slice(0, k))]
}

/** PROOF(m, D_n), section 2.1.4.1, for 0 < m <= n. Throws a RangeError for another size. */
export function consistencyProof(first: number, entries: readonly Uint8Array[]): Uint8Array[] {
  const n = entries.length
  if (!Number.isInteger(first) || first <= 0 || first > n) throw new RangeError(`no proof from ${first} to ${n}`)
  return subproof(first, entries, true)
}

/** SUBPROOF(m, D_n, b), section 2.1.4.1: b says that the hash of the subtree is the first tree head, known already. */
function subproof(m: number, entries: readonly Uint8Array[], known: boolean): Uint8Array[] {
  const n = entries.length
  if (m === n) return known ? [] : [treeHead(entries)]
  const k = split(n)
  return m <= k
    ? [...subproof(m, entries.slice(0, k), known), treeHead(entries.slice(k))]
    : [...subproof(m - k, entries.slice(k), false), treeHead(entries.slice(0, k))]
}

export interface InclusionClaim {
  /** The entry itself, not its hash. */
  readonly leaf: Uint8Array
  readonly index: number
  readonly size: number
  readonly proof: readonly Uint8Array[]
  readonly root: Uint8Array
}

/** Section 2.1.3.2, step by step. */
export function verifyInclusion({ leaf, index, size, proof, root }: InclusionClaim): boolean {
  if (!isSize(index) || !isSize(size) || index >= size) return false // 1
  const at = new Positions(index, size - 1) // 2
  let r = leafHash(leaf) // 3
  for (const p of proof) {
    if (at.sn === 0) return false // 4a
    if (isOdd(at.fn) || at.fn === at.sn) {
      r = nodeHash(p, r) // 4b i
      at.climbToRightChild() // 4b ii
    } else {
      r = nodeHash(r, p) // 4b, otherwise
    }
    at.shift() // 4c
  }
  return at.sn === 0 && equal(r, root) // 5
}

export interface ConsistencyClaim {
  readonly first: number
  readonly second: number
  readonly firstRoot: Uint8Array
  readonly secondRoot: Uint8Array
  readonly proof: readonly Uint8Array[]
}

/**
 * Section 2.1.4.2, step by step, which is for 0 < first < second. Outside of it there is nothing to prove: PROOF(n, D_n)
 * is empty (section 2.1.4.1), so a tree is consistent with itself alone, and every tree with the one of no entries,
 * whose head is known (section 2.1.1).
 */
export function verifyConsistency({ first, second, firstRoot, secondRoot, proof }: ConsistencyClaim): boolean {
  if (!isSize(first) || !isSize(second) || first > second) return false
  if (first === 0 && !equal(firstRoot, treeHead([]))) return false
  if (first === second) return proof.length === 0 && equal(firstRoot, secondRoot)
  if (first === 0) return proof.length === 0
  if (proof.length === 0) return false // 1
  const path = isPowerOfTwo(first) ? [firstRoot, ...proof] : proof // 2
  const at = new Positions(first - 1, second - 1) // 3
  while (isOdd(at.fn)) at.shift() // 4
  const [seed, ...rest] = path as [Uint8Array, ...Uint8Array[]]
  let fr = seed // 5
  let sr = seed
  for (const c of rest) {
    if (at.sn === 0) return false // 6a
    if (isOdd(at.fn) || at.fn === at.sn) {
      fr = nodeHash(c, fr) // 6b i
      sr = nodeHash(c, sr) // 6b ii
      at.climbToRightChild() // 6b iii
    } else {
      sr = nodeHash(sr, c) // 6b, otherwise
    }
    at.shift() // 6c
  }
  return equal(fr, firstRoot) && equal(sr, secondRoot) && at.sn === 0 // 7
}

/** "fn" and "sn", which move together. Halved rather than shifted: the operators of the language stop at 32 bits. */
class Positions {
  constructor(
    public fn: number,
    public sn: number,
  ) {}

  shift(): void {
    this.fn = Math.floor(this.fn / 2)
    this.sn = Math.floor(this.sn / 2)
  }

  /** "If LSB(fn) is not set, right-shift both fn and sn equally until either LSB(fn) is set or fn is 0." */
  climbToRightChild(): void {
    while (!isOdd(this.fn) && this.fn !== 0) this.shift()
  }
}

const isOdd = (n: number) => n % 2 === 1
const isSize = (n: number) => Number.isSafeInteger(n) && n >= 0
const equal = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0

function isPowerOfTwo(n: number): boolean {
  let power = 1
  while (power < n) power *= 2
  return power === n
}

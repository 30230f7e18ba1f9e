import type { Findings } from './findings.js'

/** How a leaf came: in its turn, after later ones, or once more. */
export type Arrival = 'next' | 'late' | 'twice'

interface Gap {
  readonly from: number
  readonly to: number
}

/** Whether leaves come one after the other: which were left out, which come twice, and which too late. */
export class LeafSequence {
  next: number
  readonly #findings: Findings
  /** After the last leaf that came. */
  #end: number
  #gaps: Gap[] = []

  constructor(first: number, findings: Findings) {
    this.next = first
    this.#end = first
    this.#findings = findings
  }

  /** How many leaves are not there. */
  get lost(): number {
    return this.#gaps.reduce((sum, { from, to }) => sum + to - from, 0)
  }

  admit(index: number): Arrival {
    if (index < this.next) return this.#comesLate(index)
    this.reach(index)
    this.next = this.#end = index + 1
    return 'next'
  }

  /** That many leaves should have come by now. */
  reach(size: number): void {
    if (size <= this.next) return
    this.#gaps.push({ from: this.next, to: size })
    this.next = size
  }

  /** Nothing more will come. What is beyond the last checkpoint, nobody knows to have been there. */
  end(covered: number): void {
    const inside = this.#gaps.filter(({ to }) => to <= this.#end && to <= covered)
    for (const { from, to } of inside) {
      const message = to - from === 1 ? `Leaf ${from} is gone.` : `The leaves from ${from} to ${to - 1} are gone.`
      this.#findings.add({ kind: 'removed', message, leaf: from })
    }
    const tail = this.#gaps.filter(({ from }) => from >= this.#end)
    if (tail.length === 0) return
    const message = `A checkpoint vouches for ${this.next} leaves, and they end after ${this.#end}.`
    this.#findings.add({ kind: 'truncated', message, leaf: this.#end })
  }

  #comesLate(index: number): Arrival {
    const gap = this.#gaps.find(({ from, to }) => index >= from && index < to)
    if (!gap) {
      this.#findings.add({ kind: 'forged', message: `Leaf ${index} comes twice.`, leaf: index })
      return 'twice'
    }
    const rest = [
      { from: gap.from, to: index },
      { from: index + 1, to: gap.to },
    ].filter(({ from, to }) => from < to)
    this.#gaps = [...this.#gaps.filter((other) => other !== gap), ...rest]
    this.#findings.add({ kind: 'reordered', message: `Leaf ${index} comes after later ones.`, leaf: index })
    return 'late'
  }
}

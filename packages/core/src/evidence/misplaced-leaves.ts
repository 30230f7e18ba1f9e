import type { Findings } from './findings.js'
import type { Mismatch, NamedLeaf } from './leaf-fit.js'
import { contentOf } from './row-content.js'

type Other = Extract<Mismatch, { readonly why: 'other' }>

// Each is tried at the place of every other.
const mostCompared = 1000

const reports = {
  gone: { kind: 'removed', what: 'is gone' },
  changed: { kind: 'altered', what: 'is not what the log says of it' },
  other: { kind: 'altered', what: 'is not what the log says of it' },
  erased: { kind: 'altered', what: 'has lost its personal fields, and no receipt says so' },
  elsewhere: { kind: 'reordered', what: 'belongs to another place' },
  renamed: { kind: 'altered', what: 'is not there, and the leaf is not the one that was signed' },
} as const

/** Leaves from `after` to before `size`, which do not lead to the root that was signed. */
export interface WrongRoot {
  readonly after: number
  readonly size: number
}

/** Says of leaves that do not fit their rows what became of them: gone, changed, or at home in another place. */
export class MisplacedLeaves {
  readonly #others: Other[] = []
  readonly #gone: NamedLeaf[] = []
  /** Leaves that name a row which they did not name when they were signed. */
  renamed = 0
  readonly #findings: Findings

  constructor(findings: Findings) {
    this.#findings = findings
  }

  add(mismatch: Mismatch): void {
    if (mismatch.why === 'other' && this.#others.length < mostCompared) this.#others.push(mismatch)
    else if (mismatch.why === 'gone' && this.#gone.length < mostCompared) this.#gone.push(mismatch.leaf)
    else this.#report(mismatch.leaf, mismatch.why)
  }

  /** Nothing more will come. Where a row alone is gone, its leaf still leads to the root. */
  settle(wrong: WrongRoot | null): void {
    for (const other of this.#others) this.#report(other.leaf, this.#isElsewhere(other) ? 'elsewhere' : 'other')
    for (const leaf of this.#gone) {
      const isRenamed = wrong !== null && leaf.index >= wrong.after && leaf.index < wrong.size
      if (isRenamed) this.renamed++
      this.#report(leaf, isRenamed ? 'renamed' : 'gone')
    }
  }

  #isElsewhere({ leaf, content, personal, facts }: Other): boolean {
    return this.#others.some(({ leaf: other }) => {
      if (other === leaf) return false
      if (content === other.content) return true
      const there = contentOf(other.index, personal, facts)
      return there === leaf.content || there === other.content
    })
  }

  #report({ index, rowId }: NamedLeaf, why: keyof typeof reports): void {
    const { kind, what } = reports[why]
    this.#findings.add({ kind, message: `The row of leaf ${index} ${what}.`, leaf: index, rowId })
  }
}

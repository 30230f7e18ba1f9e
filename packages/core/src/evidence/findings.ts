/**
 * What can be wrong with a log, the gravest first, each with the code that a command ends with.
 * `docs/evidence.md` says of each what it means and what to do.
 */
export const findingExitCodes = {
  /** The log does not hold what an anchor vouches for, or what a receipt of its own has seen. */
  rolled_back: 15,
  /** A row, a leaf, a checkpoint or a receipt that the log's key does not vouch for. */
  forged: 14,
  /** The end of the log is gone: a checkpoint vouches for more than is there. */
  truncated: 12,
  /** Something that was there in the middle is gone, and no receipt says why. */
  removed: 11,
  /** Rows or leaves have changed places. */
  reordered: 13,
  /** A value is not what it was. */
  altered: 10,
} as const

/** What is wrong, in one word. */
export type FindingKind = keyof typeof findingExitCodes

const findingKinds = Object.keys(findingExitCodes) as FindingKind[]

/** One thing that is wrong, and where. */
export interface Finding {
  readonly kind: FindingKind
  readonly message: string
  readonly leaf?: number
  readonly rowId?: string
  /** The size that a checkpoint states. */
  readonly checkpoint?: number
}

const mostKept = 1000

/** Findings as they come: all are counted, the first of them are kept. */
export class Findings {
  readonly #kept: Finding[] = []
  readonly #counts = new Map<FindingKind, number>()

  add(finding: Finding): void {
    this.#counts.set(finding.kind, (this.#counts.get(finding.kind) ?? 0) + 1)
    if (this.#kept.length < mostKept) this.#kept.push(finding)
  }

  get none(): boolean {
    return this.#counts.size === 0
  }

  get kept(): readonly Finding[] {
    return this.#kept
  }

  get counts(): Readonly<Partial<Record<FindingKind, number>>> {
    return Object.fromEntries(this.#counts)
  }
}

/** The code that a command ends with: 0 for a sound log, else that of the gravest finding. */
export function exitCodeOf(counts: Readonly<Partial<Record<FindingKind, number>>>): number {
  const gravest = findingKinds.find((kind) => (counts[kind] ?? 0) > 0)
  return gravest === undefined ? 0 : findingExitCodes[gravest]
}

/** What one round does to its servers; times in milliseconds. */
export interface Plan {
  /** Begins the ids of its requests. */
  readonly prefix: string
  readonly processes: number
  /** Responses after which the store goes away; null where it stays. */
  readonly awayAfter: number | null
  /** Responses after which the kill comes, and how much later. */
  readonly killAfter: number
  readonly killLater: number
  /** How long before it is asked to end in order, and is killed while it does; null where it is not asked. */
  readonly askedBefore: number | null
  /** Whether one of several processes is left alive. */
  readonly leavesOne: boolean
  /** Whether half of a record is left at the end of what was written last. */
  readonly tears: boolean
  /** Processes that are killed while they begin, or replay. */
  readonly falseStarts: readonly FalseStart[]
  /** Whether the store is back before them. */
  readonly backEarly: boolean
}

/** How long a process lives, from when it is started or from when it listens, which is when it replays. */
export interface FalseStart {
  readonly from: 'start' | 'listening'
  readonly time: number
}

/** The plan of a round: the same for the same seed. */
export function planOf(seed: number, round: number, mostProcesses: number): Plan {
  const random = randomOf(seed * 1_000_003 + round)
  const upTo = (most: number): number => Math.floor(random() * (most + 1))
  const goesAway = upTo(2) === 0
  // Enough for several batches of a replay.
  const killAfter = upTo(goesAway ? 1000 : 150)
  const processes = 1 + upTo(mostProcesses - 1)
  return {
    prefix: `r${round}-`,
    processes,
    awayAfter: goesAway ? upTo(Math.min(killAfter, 150)) : null,
    killAfter,
    killLater: random() * 20,
    askedBefore: upTo(4) === 0 ? random() * 60 : null,
    leavesOne: processes > 1 && upTo(1) === 0,
    tears: upTo(3) === 0,
    falseStarts: Array.from({ length: Math.max(0, upTo(5) - 3) }, () =>
      upTo(1) === 0 ? { from: 'start', time: upTo(2000) } : { from: 'listening', time: upTo(60) },
    ),
    backEarly: upTo(1) === 0,
  }
}

/** Mulberry32: numbers from 0 to 1 that a seed decides. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

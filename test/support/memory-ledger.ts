import { type FloodLedger, type FloodTally, type MemorySink, memorySink } from '@countersign/core'

/** How a call of a ledger fails: before anything happened, or after all of it did. */
export type Failure = 'refused' | 'unanswered'

/** A ledger and the store of its rows, in memory, which fails as it is told. */
export interface MemoryLedger extends FloodLedger {
  readonly sink: MemorySink
  /** How the next calls fail, the first one first; undefined lets one through. */
  readonly failures: Array<Failure | undefined>
  readonly calls: string[]
}

export function memoryLedger(): MemoryLedger {
  const sink = memorySink()
  const stored = new Map<string, FloodTally>()
  const failures: Array<Failure | undefined> = []
  const calls: string[] = []
  const answering = async <Answer>(call: string, work: () => Promise<Answer>): Promise<Answer> => {
    calls.push(call)
    const failure = failures.shift()
    if (failure === 'refused') throw new Error(failure)
    const answer = await work()
    if (failure === 'unanswered') throw new Error(failure)
    return answer
  }
  return {
    sink,
    failures,
    calls,
    put: (tallies) => answering('put', async () => void tallies.map((tally) => keep(stored, tally))),
    close: (tallies) =>
      answering('close', async () => {
        const counts = new Map<string, number>()
        for (const tally of tallies) {
          const { row } = keep(stored, tally)
          stored.delete(row.id)
          await sink.write([row])
          counts.set(row.id, (await sink.get(row.id))?.repeatCount ?? 0)
        }
        return counts
      }),
    closeAbandoned: (before) =>
      answering('closeAbandoned', async () => {
        const left = [...stored.values()].filter(({ closesAt }) => closesAt < before)
        for (const { row } of left) stored.delete(row.id)
        const known = await Promise.all(left.map(({ row }) => sink.get(row.id)))
        const rows = left.flatMap(({ row }, index) => (known[index] ? [] : row))
        await sink.write(rows)
        return rows
      }),
  }
}

/** The larger count of what is stored and what is given. */
function keep(stored: Map<string, FloodTally>, tally: FloodTally): FloodTally {
  const known = stored.get(tally.row.id)
  const larger = known && (known.row.repeatCount ?? 0) > (tally.row.repeatCount ?? 0) ? known : tally
  stored.set(tally.row.id, larger)
  return larger
}

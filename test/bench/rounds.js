/**
 * Runs every subject in turn, round after round, so that a busy moment of the machine falls on
 * all of them; the first rounds warm up and are not counted.
 *
 * @param {Record<string, () => Promise<number>>} subjects what is measured, each answering one round's figure
 * @param {{ rounds: number, warmup?: number }} options
 * @returns {Promise<Record<string, number[]>>} the figures of every round
 */
export async function interleaved(subjects, { rounds, warmup = 1 }) {
  const figures = Object.fromEntries(Object.keys(subjects).map((name) => [name, []]))
  for (let round = 0; round < warmup + rounds; round++) {
    for (const [name, run] of inTurn(Object.entries(subjects), round)) {
      const figure = await run()
      if (round >= warmup) figures[name].push(figure)
    }
  }
  return figures
}

/** Nobody is always first: what runs after another inherits its garbage. */
function inTurn(entries, round) {
  const start = round % entries.length
  return [...entries.slice(start), ...entries.slice(0, start)]
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** The median of the ratios within each round: a slow round is slow for both. */
export function medianRatio(values, peers) {
  return median(values.map((value, round) => value / peers[round]))
}

/** The middle half, as text: what a repetition may be expected to show. */
export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  return `${short(at(0.25))} to ${short(at(0.75))}`
}

export function short(value) {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3)
}

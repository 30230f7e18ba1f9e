import type { ServerStatus } from './server-settings.ts'
import type { Interval } from './soak-load.ts'

/** The server at one moment; in seconds since the beginning. */
export interface Sample extends ServerStatus, Interval {
  readonly at: number
}

/** How long it lasted, when its outage was over, in seconds, and how much it was asked in one. */
export interface Soak {
  readonly seconds: number
  readonly outageEnd: number
  readonly rate: number
}

const growth = 1.2

/**
 * What is wrong with these samples, a sentence each. The heap is flat where its median in the last
 * third is at most 1.2 times that of the calm before the outage, from a third to a half: by then
 * everything is compiled and every pool is filled, and what the outage left must be gone again.
 * The sink's queue is bounded where it never holds more than comes in five seconds, for which an
 * attempt waits at most, and the spool where it holds no more than comes in one before the
 * outage and from when that was replayed. What clients wait for says more about the machine.
 */
export function verdictsOn(samples: readonly Sample[], soak: Soak): string[] {
  const { seconds, rate, outageEnd } = soak
  const calm = samples.filter(({ at }) => at > seconds / 3 && at <= seconds / 2)
  const late = samples.filter(({ at }) => at > (seconds * 2) / 3)
  const [before, after] = [calm, late].map((some) => spread(some.map(({ memory }) => memory.heap / 2 ** 20)))
  if (!before || !after) return ['It was too short to say anything.']
  const ratio = after.median / before.median
  console.log(
    `heap after collection, MiB: calm ${said(before)}, last third ${said(after)}; ratio ${ratio.toFixed(3)}, limit ${growth}`,
  )
  const rss = [calm, late].map((some) => spread(some.map(({ memory }) => memory.rss / 2 ** 20)))
  console.log(`rss, MiB: calm ${rss.map((one) => one && said(one)).join(', last third ')}`)
  const waiting = Math.max(...samples.map(({ waiting }) => waiting))
  const most = Math.max(...samples.map(({ spooledRows }) => spooledRows))
  const caught = samples.findIndex(({ at, spooledRows }) => at > outageEnd && spooledRows <= rate)
  const replayed = caught < 0 ? [] : samples.slice(caught)
  const spooled = Math.max(...[...calm, ...replayed].map(({ spooledRows }) => spooledRows))
  const since = replayed[0] ? `${replayed[0].at - outageEnd} s after it at most` : 'never'
  console.log(
    `waiting at most: ${waiting}; in the spool at most: ${most} in the outage, replayed ${since}; else ${spooled}`,
  )
  const verdicts: string[] = []
  if (ratio > growth) verdicts.push(`the heap grew to ${ratio.toFixed(3)} times what it was`)
  if (waiting > rate * 5) verdicts.push(`${waiting} waited at a time`)
  if (replayed.length === 0) verdicts.push('what the outage left in the spool was never replayed')
  if (spooled > rate) verdicts.push(`${spooled} rows waited in the spool while the store was there`)
  return verdicts
}

interface Spread {
  readonly least: number
  readonly median: number
  readonly most: number
}

function spread(values: readonly number[]): Spread | null {
  const sorted = [...values].sort((a, b) => a - b)
  const [least, median, most] = [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)]
  return least === undefined || median === undefined || most === undefined ? null : { least, median, most }
}

function said({ least, median, most }: Spread): string {
  return `${median.toFixed(1)} (${least.toFixed(1)} to ${most.toFixed(1)})`
}

/** What an integer column of a store has room for. */
export const maxInteger = 2_147_483_647

/** What an integer column takes of a number that somebody else's code gave; null where it is none. */
export function wholeNumber(value: unknown, round: (value: number) => number): number | null {
  if (typeof value !== 'number' || Number.isNaN(value)) return null
  return Math.min(Math.max(round(value), 0), maxInteger)
}

import { constants, lstatSync } from 'node:fs'

// A link that somebody put there is not followed, and a pipe does not hold the process. Where the
// system knows no such thing, as on Windows, these are undefined, and count as 0.
const careful = constants.O_NOFOLLOW | constants.O_NONBLOCK

/** How the files of a spool are opened. */
export const forReading: number = constants.O_RDONLY | careful
export const forChanging: number = constants.O_RDWR | careful
export const forAppending: number = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | careful

/** True where a link, a pipe or anything else stands where a file belongs. */
export function isForeign(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() === false
}

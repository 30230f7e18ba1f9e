import { type FrameworkRequest, incomingOf } from './framework.js'
import type { Problem } from './problem.js'

/** What is said of a request whose client left; the status is nginx's. */
export const clientLeft: Problem = { status: 499, code: 'client_disconnected' }

// Of raw-body, by which every parser but multer's reads: while it read, and before it began.
const brokenOff: readonly unknown[] = ['request.aborted', 'stream.not.readable']

/**
 * True for the error of reading a body whose rest will never come. Any other error is what it
 * would have been: nobody turns a refusal into something else by hanging up.
 */
export function isBrokenOff(request: FrameworkRequest, error: unknown): boolean {
  const incoming = incomingOf(request)
  if (!incoming.readableAborted || typeof error !== 'object' || error === null) return false
  return error === incoming.errored || brokenOff.includes(typeOf(error))
}

/** An error may throw when it is looked at. */
function typeOf(error: object): unknown {
  try {
    return (error as { type?: unknown }).type
  } catch {
    return undefined
  }
}

import { inspect } from 'node:util'
import { AuditError, type AuditErrorCode } from './audit-error.js'

/** The options that there are, by name: the compiler sees to it that none is missing. */
export type KnownOptions<Options extends object> = Readonly<Record<keyof Options, true>>

/**
 * Refuses what is no object, and names that nobody reads: what they ask for would silently not hold.
 *
 * @throws AuditError with this code
 */
export function assertKnownOptions<Options extends object>(
  what: string,
  options: unknown,
  known: KnownOptions<Options>,
  code: AuditErrorCode = 'SETTING_INVALID',
): asserts options is Options {
  const names = Object.keys(known).join(', ')
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new AuditError(code, `${what} must be an object, with any of ${names}, and was ${inspect(options)}.`)
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(known, name))
  if (unknown !== undefined)
    throw new AuditError(code, `${what} has no option ${inspect(unknown)}. There are: ${names}.`)
}

import { inspect } from 'node:util'
import { AuditError } from './audit-error.js'
import { assertKnownOptions, type KnownOptions } from './known-options.js'

/** How repeated denials collapse. */
export interface FloodOptions {
  /** Seconds from the first denial of a key to the summary of its repeats (60). */
  readonly window?: number
  /** Denials of one key that get a row of their own in a window; the others are counted (1). */
  readonly budget?: number
  /** Milliseconds after which what was counted goes to the store, for the case of a crash (250). */
  readonly flush?: number
  /** Keys that are told apart at the same time; denials of more share a flood that names nobody (10,000). */
  readonly maxKeys?: number
}

/** {@link FloodOptions} with nothing left open; both times in milliseconds. */
export type FloodSettings = Required<FloodOptions>

// What a timer takes, and a day.
const longestFlush = 2_147_483_647
const longestWindow = 86_400

const known: KnownOptions<FloodOptions> = { window: true, budget: true, flush: true, maxKeys: true }

/** @throws AuditError `SETTING_INVALID` */
export function floodSettings(options: FloodOptions): FloodSettings {
  assertKnownOptions('floods', options, known)
  const { window = 60, budget = 1, flush = 250, maxKeys = 10_000 } = options
  assertNumber('window', window, window > 0 && window <= longestWindow, 'seconds, above 0, at most a day')
  assertNumber('budget', budget, isCount(budget), 'a whole number above 0')
  assertNumber('flush', flush, isCount(flush) && flush <= longestFlush, 'whole milliseconds above 0')
  assertNumber('maxKeys', maxKeys, isCount(maxKeys), 'a whole number above 0')
  return { window: Math.ceil(window * 1000), budget, flush, maxKeys }
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0
}

function assertNumber(name: string, value: unknown, isRight: boolean, what: string): void {
  if (typeof value === 'number' && isRight) return
  throw new AuditError('SETTING_INVALID', `floods.${name} must be ${what}, and was ${inspect(value)}.`)
}

import type { AuditTrail } from './trail.js'

/** How a part of the system fares that can go on, in another way, while what it needs is away. */
export interface Degradation {
  /** True when it begins to work in that other way, false when all is as usual again. */
  readonly degraded: boolean
  /** Which part, in snake_case: `limiter`. */
  readonly component: string
  /** What it does meanwhile, in snake_case: `insure`, `refuse`. */
  readonly reaction: string
  /** What it failed with, while it is degraded. */
  readonly cause?: unknown
}

/** Told of every change; and of an outage that is under way when it begins to listen. */
export type DegradationListener = (state: Degradation) => void

/**
 * Records one row when an outage of a component begins and one when it ends, however often it is told of either.
 *
 * @example
 * const sequencer = logSequencer(orm, { signer: noteSigner(process.env.CHECKPOINT_KEY ?? '') })
 * sequencer.watch(recordDegradation((event, options) => trail.record(event, options)))
 */
export function recordDegradation(record: AuditTrail['record']): DegradationListener {
  const began = new Map<string, number>()
  return ({ degraded, component, reaction, cause }) => {
    const since = began.get(component)
    if (degraded === (since !== undefined)) return
    const actor = { type: 'service', id: component } as const
    if (since === undefined) {
      began.set(component, performance.now())
      const error = codeOf(cause)
      const details = error === null ? { component, reaction } : { component, reaction, error }
      void record('degradation_start', { outcome: 'failure', reason: 'unavailable', actor, details })
    } else {
      const seconds = Math.round((performance.now() - since) / 100) / 10
      began.delete(component)
      void record('degradation_end', { actor, details: { component, reaction, seconds } })
    }
  }
}

const plainWord = /^[a-z0-9]+(?:_[a-z0-9]+)*$/i

/** The code, or the kind of error, alone: messages of drivers quote addresses, and what stands in them. */
export function codeOf(cause: unknown): string | null {
  if (typeof cause !== 'object' || cause === null) return null
  const { code, name } = cause as { readonly code?: unknown; readonly name?: unknown }
  return [code, name].find(isPlainWord) ?? null
}

function isPlainWord(text: unknown): text is string {
  return typeof text === 'string' && text.length <= 40 && text !== 'Error' && plainWord.test(text)
}

import { currentFlow } from '@countersign/core'

/** Forgets the failures that the throttle of logins counted of identifiers, when the call is over. */
export function forgiveFailures(...identifiers: readonly string[]): void {
  const flow = currentFlow()
  // Afterwards: a limiter that can't be reached is reported, and what is committed stays a success.
  flow?.call?.afterwards.push(async () => {
    for (const identifier of new Set(identifiers))
      await flow.trail?.limiter?.clear('login', 'failures', flow.trail.identifierHash(identifier))
  })
}

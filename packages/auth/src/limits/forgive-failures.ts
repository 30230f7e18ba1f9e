import { currentFlow } from '@countersign/core'

/** Forgets the failed logins of an identifier, where the attempt that shows that they are its owner's is no login that succeeds. */
export function forgiveFailures(identifier: string): void {
  const flow = currentFlow()
  // Afterwards: a limiter that can't be reached is reported, and what is done stays done.
  flow?.call?.afterwards.push(async () => {
    await flow.trail?.limiter?.clear('login', 'failures', flow.trail.identifierHash(identifier))
  })
}

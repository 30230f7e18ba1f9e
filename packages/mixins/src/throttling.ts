import {
  AuditError,
  type AuditedCall,
  type AuditLimiter,
  type LimitedBy,
  type Reservation,
  Throttled,
  type Throttling,
} from '@countersign/core'
import type { MethodHooks, ThrottleHook } from './hooks.js'

/** A controller that shapes its refusals. */
interface Shaping {
  throttled?(hit: Throttling): unknown
}

/** Counts one attempt of the client's address in every scope; refuses with {@link Throttled}. */
export async function reserveAddress(call: AuditedCall, throttles: readonly ThrottleHook[]): Promise<Reservation[]> {
  for (const { scope } of throttles) limiterOf(call, scope)
  // Behind a socket without addresses all clients are one, rather than nobody being limited.
  const address = call.context.address ?? (call.held ? 'unknown' : undefined)
  if (address === undefined) return []
  const reservations: Reservation[] = []
  for (const { scope } of throttles) {
    const reservation = await reserve(call, scope, 'address', address)
    if (reservation) reservations.push(reservation)
  }
  return reservations
}

/** Counts one attempt at the submitted identifier in every scope; a success clears the failures. */
export async function reserveIdentifier(call: AuditedCall, plan: MethodHooks, args: unknown[]): Promise<void> {
  for (const throttle of plan.throttles) {
    const identifier = identifierOf(throttle, plan, args)
    if (typeof identifier !== 'string' || identifier.trim() === '') continue
    const key = call.trail.identifierHash(identifier)
    await reserve(call, throttle.scope, 'identifier', key)
    if (!(await reserve(call, throttle.scope, 'failures', key))) continue
    call.afterwards.push(async (succeeded) => {
      if (succeeded) await limiterOf(call, throttle.scope).clear(throttle.scope, 'failures', key)
    })
  }
}

function identifierOf(throttle: ThrottleHook, plan: MethodHooks, args: unknown[]): unknown {
  const source = throttle.identifier ?? plan.hooks.find(({ attempted }) => attempted)?.attempted
  try {
    return source?.(...args)
  } catch {
    return undefined
  }
}

async function reserve(call: AuditedCall, scope: string, by: LimitedBy, key: string): Promise<Reservation | null> {
  const limiter = limiterOf(call, scope)
  let reservation: Reservation | null
  try {
    reservation = await limiter.reserve(scope, by, key)
  } catch (cause) {
    if (cause instanceof AuditError) throw cause
    throw new AuditError('LIMITER_FAILED', `The limiter '${limiter.name}' could not count an attempt of '${scope}'.`, {
      cause,
    })
  }
  if (reservation && !reservation.allowed) {
    throw await refusal(call, { scope, by, limit: reservation.limit, retryAfter: Math.max(1, reservation.resetAfter) })
  }
  return reservation
}

function limiterOf(call: AuditedCall, scope: string): AuditLimiter {
  const { limiter } = call.trail
  if (limiter) return limiter
  throw new AuditError(
    'LIMITER_MISSING',
    `'${scope}' throttles ${call.owner.className}.${call.methodName}(), and the trail has no limiter. Write: createAuditTrail({ sink, limiter })`,
  )
}

/** Marks the attempts as throttled, and lets the controller shape the refusal; it can't lift it. */
async function refusal(call: AuditedCall, hit: Throttling): Promise<Throttled> {
  if (call.attempts.length === 0) call.open('rate_limit')
  for (const attempt of call.attempts) attempt.throttling = hit
  try {
    const shaping = (call.self ?? call.shaping?.()) as Shaping | undefined
    if (typeof shaping?.throttled !== 'function') return new Throttled(hit)
    return new Throttled(hit, await shaping.throttled(hit))
  } catch (cause) {
    call.trail.report(
      'STEP_FAILED',
      `${call.owner.className}.throttled() failed; the attempt is refused all the same.`,
      cause,
    )
    return new Throttled(hit)
  }
}

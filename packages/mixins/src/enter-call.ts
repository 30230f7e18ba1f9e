import {
  type Attempt,
  AuditError,
  AuditedCall,
  currentContext,
  currentScope,
  type Ending,
  runInScope,
  type Scope,
} from '@countersign/core'
import { type ControllerFacts, factsOf } from './controller-facts.js'
import { type FromArguments, hooksOfMethod, type MethodHooks } from './hooks.js'
import type { AnyClass, AsyncHandler } from './mixin-base.js'
import { reserveAddress, reserveIdentifier } from './throttling.js'

const plans = new WeakMap<AnyClass, Map<string, MethodHooks>>()

function planOf(controller: AnyClass, method: string): MethodHooks {
  return plans.get(controller)?.get(method) ?? makePlan(controller, method)
}

function makePlan(controller: AnyClass, method: string): MethodHooks {
  const plan = hooksOfMethod(controller, method)
  const methods = plans.get(controller) ?? new Map<string, MethodHooks>()
  plans.set(controller, methods.set(method, plan))
  return plan
}

/** A call of a hooked method, as the wrapper that answers for it sees it. */
export interface Entry {
  readonly call: AuditedCall
  readonly plan: MethodHooks
}

/**
 * Enters a hooked method. The outermost wrapper, whichever it is, opens one attempt per audited
 * event and gets the entry to run and to leave; the inner ones get nothing and let the call
 * through, so that the order in which mixins and decorators were stacked makes no difference.
 */
export function enterCall(self: object, method: string, wrapper: unknown): Entry | null {
  const facts = factsOf(self)
  const scope = currentScope()
  const running = scope?.call
  if (running && isCallOf(running, facts, self, method) && !running.entered.includes(wrapper)) {
    running.entered.push(wrapper)
    if (running.self !== undefined) return null
    running.self = self
    running.running = true
    return { call: running, plan: planOf(facts.controller, method) }
  }
  const call = openCall(facts, scope, method)
  const plan = planOf(facts.controller, method)
  call.entered.push(wrapper)
  call.self = self
  for (const hook of plan.hooks) call.open(hook.event)
  return { call, plan }
}

/** Runs what was entered; a call that an adapter opened is in its scope already. */
export function runCall({ call, plan }: Entry, args: unknown[], original: AsyncHandler): Promise<unknown> {
  if (call.held) return begin(call, plan, args, original)
  return runInScope(scopeOf(call), () => begin(call, plan, args, original))
}

/** Closes what was entered; a call that an adapter opened stays the adapter's to close, while it waits. */
export function leaveCall({ call }: Entry, ending: Ending): Promise<void> | undefined {
  if (!call.held) return call.close(ending)
  if (ending.error !== undefined) call.error = ending.error
  call.running = false
  return call.abandoned ? call.close({ error: call.error }) : undefined
}

/** The ending of what threw; nothing can be thrown too. */
export function failed(error: unknown): Ending {
  return { error: error ?? new Error('The handler threw nothing.') }
}

/** Opens a call of a controller's method; the trail is the controller's own, or the context's. */
export function openCall(facts: ControllerFacts, scope: Scope | undefined, method: string | null): AuditedCall {
  const trail = facts.trail ?? scope?.trail
  if (!trail) {
    throw new AuditError(
      'TRAIL_MISSING',
      `${facts.className} is called without a trail. Serve it through an adapter (auditedControllers(trail, […])), or write: static readonly trail = trail`,
    )
  }
  return new AuditedCall(trail, scope?.context ?? currentContext(), facts, method, scope?.call)
}

/** Runs inside a call that was opened here, and closes it with what came of it. */
export async function closing(call: AuditedCall, run: () => Promise<unknown>): Promise<unknown> {
  let result: unknown
  try {
    result = await runInScope(scopeOf(call), run)
  } catch (error) {
    await call.close(failed(error))
    throw error
  }
  await call.close({ result })
  return result
}

function scopeOf(call: AuditedCall): Scope {
  return { context: call.context, trail: call.trail, call }
}

/** True when the running call is this method of this object, opened by an adapter or by another wrapper. */
export function isCallOf(call: AuditedCall, facts: ControllerFacts, self: object, method: string | null): boolean {
  return (
    call.owner === facts &&
    !call.closed &&
    (method === null || call.methodName === method) &&
    (call.self === undefined || call.self === self)
  )
}

function begin(call: AuditedCall, plan: MethodHooks, args: unknown[], original: AsyncHandler): Promise<unknown> {
  for (let index = 0; index < plan.hooks.length; index++) {
    contribute(call, call.attempts[index] as Attempt, plan.hooks[index] as FromArguments, args)
  }
  return plan.throttles.length === 0 ? original.apply(call.self, args) : throttled(call, plan, args, original)
}

async function throttled(
  call: AuditedCall,
  plan: MethodHooks,
  args: unknown[],
  original: AsyncHandler,
): Promise<unknown> {
  if (!call.held) await reserveAddress(call, plan.throttles)
  await reserveIdentifier(call, plan, args)
  return original.apply(call.self, args)
}

function contribute(call: AuditedCall, attempt: Attempt, hook: FromArguments, args: unknown[]): void {
  try {
    if (hook.attempted) {
      const attempted = hook.attempted(...args)
      if (typeof attempted === 'string') attempt.attempted = attempted
    }
    if (hook.subject) attempt.subject = hook.subject(...args) ?? attempt.subject
    if (hook.details) attempt.details = merged(attempt.details, hook.details(...args))
  } catch (cause) {
    call.trail.report(
      'STEP_FAILED',
      `What '${attempt.event}' takes from the arguments of ${call.methodName}() failed.`,
      cause,
    )
  }
}

function merged(known: Record<string, unknown> | null, more: object): Record<string, unknown> {
  return known ? { ...known, ...more } : { ...more }
}

import {
  type Attempt,
  AuditError,
  AuditedCall,
  currentContext,
  currentFlow,
  type Ending,
  type EventName,
  type Flow,
  runInFlow,
} from '@countersign/core'
import { type ControllerFacts, factsOf } from './controller-facts.js'
import { type FromArguments, type Hook, hooksOfMethod, type MethodHooks } from './hooks.js'
import type { AnyClass } from './mixin-base.js'
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
  /** What the method runs in; of a call that somebody else opened, what runs already. */
  readonly flow: Flow
  /** Whether this wrapper opened the call, and so closes it. */
  readonly opened: boolean
}

/**
 * Enters a hooked method. The outermost wrapper, whichever it is, opens one attempt per audited
 * event and gets the entry to run and to leave; the inner ones get nothing and let the call
 * through, so that the order in which mixins and decorators were stacked makes no difference.
 */
export function enterCall(self: object, method: string, wrapper: unknown): Entry | null {
  const facts = factsOf(self)
  const flow = currentFlow()
  const running = flow?.call
  if (running && isCallOf(running, facts, self, method) && !running.entered.includes(wrapper)) {
    running.entered.push(wrapper)
    return running.begun ? null : taken(running, flow, self, facts, method)
  }
  if (running && isOver(running, facts, method, wrapper)) return null
  const call = openCall(facts, flow, method)
  const plan = planOf(facts.controller, method)
  call.entered.push(wrapper)
  call.self = self
  call.begun = true
  for (const hook of plan.hooks) call.open(hook.event)
  return { call, plan, flow: flowOf(call), opened: true }
}

/** Begins a call that somebody else opened: an adapter, or a hand-written mixin further out. */
function taken(call: AuditedCall, flow: Flow, self: object, facts: ControllerFacts, method: string): Entry {
  call.begun = true
  call.self = self
  call.methodName = method
  return { call, plan: planOf(facts.controller, method), flow, opened: false }
}

/** Closes what was opened here; what an adapter opened stays the adapter's to close, while it waits. */
export function leaveCall({ call, opened }: Entry, ending: Ending): Promise<void> | undefined {
  if (opened) return call.close(ending)
  if (ending.error !== undefined) call.error = ending.error
  return undefined
}

/** The ending of what threw; nothing can be thrown too. */
export function failed(error: unknown): Ending {
  return { error: error ?? new Error('The handler threw nothing.') }
}

/** Opens a call of a controller's method; the trail is the controller's own, or the context's. */
export function openCall(facts: ControllerFacts, flow: Flow | undefined, method: string | null): AuditedCall {
  const trail = facts.trail ?? flow?.trail
  if (!trail) {
    throw new AuditError(
      'TRAIL_MISSING',
      `${facts.className} is called without a trail. Serve it through an adapter (auditedControllers(trail, […])), or write: static readonly trail = trail`,
    )
  }
  return new AuditedCall(trail, flow?.context ?? currentContext(), facts, method, flow?.call)
}

/** Runs inside a call that was opened here, and closes it with what came of it. */
export async function closing(call: AuditedCall, run: () => Promise<unknown>): Promise<unknown> {
  let result: unknown
  try {
    result = await runInFlow(flowOf(call), run)
  } catch (error) {
    await call.close(failed(error))
    throw error
  }
  await call.close({ result })
  return result
}

function flowOf(call: AuditedCall): Flow {
  return { context: call.context, trail: call.trail, call }
}

/** True for an adapter's call that had to close before its handler was reached: it has its row. */
function isOver(call: AuditedCall, facts: ControllerFacts, method: string, wrapper: unknown): boolean {
  const isIts = call.held && call.closed && call.owner === facts && call.methodName === method
  if (!isIts || call.entered.includes(wrapper)) return false
  call.entered.push(wrapper)
  return true
}

/** True when the running call is this method of this object, opened by an adapter or by another wrapper. */
export function isCallOf(call: AuditedCall, facts: ControllerFacts, self: object, method: string | null): boolean {
  return (
    call.owner === facts &&
    !call.closed &&
    (method === null || call.methodName === method || (call.methodName === null && !call.begun)) &&
    (call.self === undefined || call.self === self)
  )
}

/** Notes what the arguments say about the attempts, and counts them; then the method may run. */
export function prepareCall({ call, plan }: Entry, args: unknown[]): Promise<void> | undefined {
  for (let index = 0; index < plan.hooks.length; index++) {
    const hook = plan.hooks[index] as Hook
    contribute(call, attemptAt(call, index, hook.event), hook, args)
  }
  return plan.throttles.length === 0 ? undefined : reserveAll(call, plan, args)
}

/** The attempt of a hook: at its place, or elsewhere or not open yet where a hand-written mixin began. */
function attemptAt(call: AuditedCall, index: number, event: EventName): Attempt {
  const usual = call.attempts[index]
  if (usual?.event === event) return usual
  return call.attempts.find((attempt) => attempt.event === event) ?? call.open(event)
}

async function reserveAll(call: AuditedCall, plan: MethodHooks, args: unknown[]): Promise<void> {
  if (!call.held) await reserveAddress(call, plan.throttles)
  await reserveIdentifier(call, plan, args)
}

function contribute(call: AuditedCall, attempt: Attempt, hook: FromArguments, args: unknown[]): void {
  if (hook.attempted) {
    const attempted = extracted(call, attempt, hook.attempted, args)
    if (typeof attempted === 'string') attempt.attempted = attempted
  }
  if (hook.subject) attempt.subject = extracted(call, attempt, hook.subject, args) ?? attempt.subject
  if (hook.details) {
    const details = extracted(call, attempt, hook.details, args)
    if (details) attempt.details = merged(attempt.details, details)
  }
}

/** What an extractor finds; one that throws costs its own value and no other. */
function extracted<Value>(
  call: AuditedCall,
  attempt: Attempt,
  extract: (...args: unknown[]) => Value,
  args: unknown[],
): Value | undefined {
  try {
    return extract(...args)
  } catch (cause) {
    call.trail.report(
      'STEP_FAILED',
      `What '${attempt.event}' takes from the arguments of ${call.methodName}() failed.`,
      cause,
    )
    return undefined
  }
}

function merged(known: Record<string, unknown> | null, more: object): Record<string, unknown> {
  return known ? { ...known, ...more } : { ...more }
}

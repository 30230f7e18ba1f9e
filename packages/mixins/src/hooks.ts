import { AuditError, type EventName, type Subject } from '@countersign/core'
import type { AnyClass } from './mixin-base.js'

/** What a hook takes from the arguments of the hooked method. What throws costs its value only. */
export interface FromArguments {
  /** The details of the event. */
  readonly details?: ((...args: any[]) => object) | undefined
  /** The identifier that was submitted, as typed. */
  readonly attempted?: ((...args: any[]) => string | null | undefined) | undefined
  /** Who or what it is done to. */
  readonly subject?: ((...args: any[]) => Subject | null | undefined) | undefined
}

/** An event that a method of a class is audited for. */
export interface Hook extends FromArguments {
  readonly event: EventName
  readonly method: string
  /** What declared it, for messages: `withLoginAudit`, `@AuditEvent('login')`. */
  readonly by: string
  /** True when the declaration itself makes the event known (a mixin of your own). */
  readonly declares: boolean
}

/** A scope that throttles a method of a class. */
export interface ThrottleHook {
  readonly scope: string
  readonly method: string
  /** The identifier to count by; the audited `attempted` one unless told. */
  readonly identifier: ((...args: any[]) => string | null | undefined) | undefined
}

/** All that is hooked to one method, nearest class first. */
export interface MethodHooks {
  readonly hooks: readonly Hook[]
  readonly throttles: readonly ThrottleHook[]
}

interface OwnHooks {
  readonly hooks: Hook[]
  readonly throttles: ThrottleHook[]
}

// A registered symbol: two copies of this package in one process see each other's hooks.
const own = Symbol.for('countersign.hooks')

function ownHooks(target: AnyClass): OwnHooks {
  const existing = Object.getOwnPropertyDescriptor(target, own)?.value as OwnHooks | undefined
  if (existing) return existing
  const created: OwnHooks = { hooks: [], throttles: [] }
  Object.defineProperty(target, own, { value: created })
  return created
}

/** Notes that a class audits by hand, so that it is checked like any other. */
export function markAudited(target: AnyClass): void {
  ownHooks(target)
}

/** True for a class that is audited or throttled in any way. */
export function isHooked(target: AnyClass): boolean {
  return inherited(target).length > 0
}

/** The class and its ancestors, nearest first. */
export function lineage(target: AnyClass): AnyClass[] {
  const classes: AnyClass[] = []
  for (let current: unknown = target; typeof current === 'function' && current !== Function.prototype; ) {
    classes.push(current as AnyClass)
    current = Object.getPrototypeOf(current)
  }
  return classes
}

function inherited(target: AnyClass): OwnHooks[] {
  return lineage(target).flatMap((ancestor) => {
    const found = Object.getOwnPropertyDescriptor(ancestor, own)?.value as OwnHooks | undefined
    return found ? [found] : []
  })
}

/** Every hook of a class, its ancestors' included. */
export function hooksOf(target: AnyClass): MethodHooks {
  const all = inherited(target)
  return { hooks: all.flatMap(({ hooks }) => hooks), throttles: all.flatMap(({ throttles }) => throttles) }
}

/** Every hook of one method of a class. */
export function hooksOfMethod(target: AnyClass, method: string): MethodHooks {
  const { hooks, throttles } = hooksOf(target)
  return {
    hooks: hooks.filter((hook) => hook.method === method),
    throttles: throttles.filter((throttle) => throttle.method === method),
  }
}

/** Refuses the same event on the same method twice: a trail with doubled rows proves nothing. */
export function addHook(target: AnyClass, hook: Hook, above: AnyClass = target): void {
  const twice = hooksOfMethod(above, hook.method).hooks.find(({ event }) => event === hook.event)
  if (twice) {
    throw new AuditError(
      'EVENT_AUDITED_TWICE',
      `${hook.by} on ${nameOf(target)}.${hook.method}(): '${hook.event}' is audited there by ${twice.by} already. Remove one of the two, or each attempt would leave two rows.`,
    )
  }
  ownHooks(target).hooks.push(hook)
}

/** Refuses the same scope on the same method twice: each attempt would count double. */
export function addThrottle(target: AnyClass, throttle: ThrottleHook, above: AnyClass = target): void {
  if (hooksOfMethod(above, throttle.method).throttles.some(({ scope }) => scope === throttle.scope)) {
    throw new AuditError(
      'EVENT_AUDITED_TWICE',
      `The scope '${throttle.scope}' throttles ${nameOf(target)}.${throttle.method}() twice. Remove one of the two throttles, or each attempt would count double in that scope.`,
    )
  }
  ownHooks(target).throttles.push(throttle)
}

/** What messages call a class. */
export function nameOf(target: AnyClass): string {
  return target.name === '' ? 'the class' : target.name
}

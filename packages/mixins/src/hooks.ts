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

/** Where a hook is noted: on a class, or on the metadata of one that is still being made. */
export interface HookPlace {
  readonly bearer: object
  /** What messages call the class. */
  readonly name: string
  /** What is hooked there already. */
  readonly known: MethodHooks
}

/** A class, or with `above` the class that a mixin extends it from. */
export function onClass(target: AnyClass, above: AnyClass = target): HookPlace {
  return { bearer: target, name: nameOf(target), known: hooksOf(above) }
}

/** The `context.metadata` of a standard decorator: the class gets it when it is made, its ancestors' is below it. */
export function onMetadata(metadata: object): HookPlace {
  const levels: object[] = []
  for (let level: object | null = metadata; level; level = Object.getPrototypeOf(level)) levels.push(level)
  return { bearer: metadata, name: 'the class', known: joined(levels.flatMap(borneBy)) }
}

function ownHooks(bearer: object): OwnHooks {
  const [existing] = borneBy(bearer)
  if (existing) return existing
  const created: OwnHooks = { hooks: [], throttles: [] }
  Object.defineProperty(bearer, own, { value: created })
  return created
}

function borneBy(bearer: object): OwnHooks[] {
  const found = Object.getOwnPropertyDescriptor(bearer, own)?.value as OwnHooks | undefined
  return found ? [found] : []
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
  return lineage(target).flatMap((ancestor) => [ancestor, ...ownMetadata(ancestor)].flatMap(borneBy))
}

/** The metadata that standard decorators left on the class itself. */
function ownMetadata(target: AnyClass): object[] {
  const { metadata } = Symbol as { readonly metadata?: symbol }
  const found: unknown = metadata && Object.getOwnPropertyDescriptor(target, metadata)?.value
  return typeof found === 'object' && found !== null ? [found] : []
}

function joined(all: readonly OwnHooks[]): MethodHooks {
  return { hooks: all.flatMap(({ hooks }) => hooks), throttles: all.flatMap(({ throttles }) => throttles) }
}

/** Every hook of a class, its ancestors' included. */
export function hooksOf(target: AnyClass): MethodHooks {
  return joined(inherited(target))
}

/** Every hook of one method of a class. */
export function hooksOfMethod(target: AnyClass, method: string): MethodHooks {
  const { hooks, throttles } = hooksOf(target)
  return {
    hooks: hooks.filter((hook) => hook.method === method),
    throttles: throttles.filter((throttle) => throttle.method === method),
  }
}

/**
 * Refuses the same event on the same method twice: a trail with doubled rows proves nothing.
 * @throws AuditError `EVENT_AUDITED_TWICE`
 */
export function addHook({ bearer, name, known }: HookPlace, hook: Hook): void {
  const twice = known.hooks.find((other) => isSameHook(hook, other))
  if (twice) throw new AuditError('EVENT_AUDITED_TWICE', auditedTwice(name, hook, twice))
  ownHooks(bearer).hooks.push(hook)
}

/**
 * Refuses the same scope on the same method twice: each attempt would count double.
 * @throws AuditError `EVENT_AUDITED_TWICE`
 */
export function addThrottle({ bearer, name, known }: HookPlace, throttle: ThrottleHook): void {
  const twice = known.throttles.some((other) => isSameThrottle(throttle, other))
  if (twice) throw new AuditError('EVENT_AUDITED_TWICE', throttledTwice(name, throttle))
  ownHooks(bearer).throttles.push(throttle)
}

/** What a class and its ancestors hook twice between them, where nobody could see it at application. */
export function repetitionsIn(target: AnyClass): string[] {
  const { hooks, throttles } = hooksOf(target)
  const name = nameOf(target)
  return [
    ...hooks.flatMap((hook, index) => {
      const twice = hooks.slice(index + 1).find((other) => isSameHook(hook, other))
      return twice ? [auditedTwice(name, hook, twice)] : []
    }),
    ...throttles.flatMap((throttle, index) =>
      throttles.slice(index + 1).some((other) => isSameThrottle(throttle, other))
        ? [throttledTwice(name, throttle)]
        : [],
    ),
  ]
}

function isSameHook(one: Hook, other: Hook): boolean {
  return one.method === other.method && one.event === other.event
}

function isSameThrottle(one: ThrottleHook, other: ThrottleHook): boolean {
  return one.method === other.method && one.scope === other.scope
}

function auditedTwice(name: string, { by, method, event }: Hook, twice: Hook): string {
  return `${by} on ${name}.${method}(): '${event}' is audited there by ${twice.by} already. Remove one of the two, or each attempt would leave two rows.`
}

function throttledTwice(name: string, { scope, method }: ThrottleHook): string {
  return `The scope '${scope}' throttles ${name}.${method}() twice. Remove one of the two throttles, or each attempt would count double in that scope.`
}

/** What messages call a class. */
export function nameOf(target: AnyClass): string {
  return target.name === '' ? 'the class' : target.name
}

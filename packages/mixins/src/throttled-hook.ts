import { currentFlow, type Throttling } from '@countersign/core'
import { factsOf } from './controller-facts.js'
import { closing, openCall } from './enter-call.js'
import { type Hook, hooksOf } from './hooks.js'
import type { AnyClass } from './mixin-base.js'

type ThrottledHandler = (hit: Throttling) => unknown

/**
 * `throttled(hit)` as every mixin wraps it. When the toolkit's own throttle refuses, the attempt
 * is open already and this lets the call through; when a host calls it (a guard of its own), the
 * denial becomes an attempt here.
 */
export function throttledHook(above: () => ThrottledHandler | undefined): (hit: Throttling) => Promise<unknown> {
  return async function throttled(this: object, hit: Throttling): Promise<unknown> {
    const shape = async (): Promise<unknown> => above()?.call(this, hit)
    const flow = currentFlow()
    const facts = factsOf(this)
    if (flow?.call?.owner === facts && !flow.call.closed) return shape()
    const call = openCall(facts, flow, null)
    call.self = this
    for (const event of eventsOf(facts.controller, hit)) call.open(event).throttling = hit
    return closing(call, shape)
  }
}

/** The events of the method that this scope throttles; else of the only audited one; else the limit itself. */
function eventsOf(controller: AnyClass, hit: Throttling): Array<Hook['event']> {
  const { hooks, throttles } = hooksOf(controller)
  const throttled = new Set(throttles.filter(({ scope }) => scope === hit.scope).map(({ method }) => method))
  const audited = new Set(hooks.map(({ method }) => method))
  const methods = throttled.size > 0 ? throttled : audited.size === 1 ? audited : new Set<string>()
  const events = hooks.filter(({ method }) => methods.has(method)).map(({ event }) => event)
  return events.length > 0 ? events : ['rate_limit']
}

import { AuditedCall, type AuditTrail, currentFlow, type Reservation, runInFlow, Throttled } from '@countersign/core'
import { type AnyClass, factsOfClass, reserveAddress } from '@countersign/mixins'
import { getFromContainer } from 'routing-controllers'
import type { AuditedAction } from './audited-actions.js'
import { exchangeOf } from './driver.js'
import { type DriverMiddleware, type Exchange, nextOf } from './exchange.js'
import { type FrameworkResponse, outgoingOf } from './framework.js'
import { holdResponse } from './hold-response.js'
import { sendProblem, sendThrottled } from './problem.js'
import { callOf, noteCall } from './request-call.js'
import type { ContextOf } from './request-context.js'

/** What every request of a controller is opened with. */
export interface OpenCallsOptions {
  readonly trail: AuditTrail
  readonly contextOf: ContextOf
  readonly controller: AnyClass
  /** The instance that was made at start, where one was needed. */
  readonly instance: object | undefined
}

/**
 * The first middleware of an audited controller: opens the attempts of the action before body,
 * guards and validation, counts the client's address, and holds the response until the rows are
 * stored.
 */
export function openCalls({ trail, contextOf, controller, instance }: OpenCallsOptions): DriverMiddleware {
  const facts = factsOfClass(controller, instance)
  const ownTrail = facts.trail ?? trail

  return function auditedRequest(...given) {
    const exchange = exchangeOf(given)
    const { request, route } = exchange
    if (!route || callOf(request)) return nextOf(given)()
    const { action, template } = route
    const context = contextOf(request, template)
    const call = new AuditedCall(ownTrail, context, facts, action.method, currentFlow()?.call, true)
    for (const hook of action.plan.hooks) call.open(hook.event)
    call.statusSet = () => exchange.statusSet()
    noteCall(request, call)
    holdResponse(exchange, call, action.body)
    return runInFlow({ context, trail: ownTrail, call }, () => {
      if (action.plan.throttles.length === 0) return proceed(call, action, exchange)
      call.shaping = () => getFromContainer(controller as never) as object
      return throttle(call, action, exchange).catch((error) => exchange.fail(error))
    })
  }
}

function proceed(call: AuditedCall, { body }: AuditedAction, exchange: Exchange): unknown {
  const refusal = body?.refusalOf(exchange.request)
  if (!refusal) return exchange.proceed(body)
  call.reason = refusal.code
  return sendProblem(exchange.request, exchange.response, refusal)
}

async function throttle(call: AuditedCall, action: AuditedAction, exchange: Exchange): Promise<unknown> {
  try {
    const reservations = await reserveAddress(call, action.plan.throttles)
    for (const reservation of reservations) limitHeaders(exchange.response, reservation)
  } catch (error) {
    if (!(error instanceof Throttled)) throw error
    return sendThrottled(exchange.request, exchange.response, error)
  }
  return proceed(call, action, exchange)
}

function limitHeaders(response: FrameworkResponse, { limit, remaining, resetAfter, window }: Reservation): void {
  const outgoing = outgoingOf(response)
  outgoing.setHeader('RateLimit-Policy', `${limit};w=${window}`)
  outgoing.setHeader('RateLimit-Limit', String(limit))
  outgoing.setHeader('RateLimit-Remaining', String(remaining))
  outgoing.setHeader('RateLimit-Reset', String(resetAfter))
}

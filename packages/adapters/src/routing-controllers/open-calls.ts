import { AuditedCall, type AuditTrail, currentFlow, type Reservation, runInFlow, Throttled } from '@countersign/core'
import { type AnyClass, factsOfClass, hooksOfMethod, type MethodHooks, reserveAddress } from '@countersign/mixins'
import type { NextFunction, Request, RequestHandler, Response } from 'express'
import { getFromContainer } from 'routing-controllers'
import { holdResponse } from './hold-response.js'
import type { MediaType } from './media-type.js'
import { sendProblem, sendThrottled } from './problem.js'
import { callOf, noteCall } from './request-call.js'
import type { ContextOf } from './request-context.js'

/** One action of a controller, as its requests are opened. */
export interface OpenedAction {
  readonly method: string
  readonly mediaType: MediaType | undefined
}

/** What every request of a controller is opened with. */
export interface OpenCallsOptions {
  readonly trail: AuditTrail
  readonly contextOf: ContextOf
  readonly controller: AnyClass
  /** The instance that was made at start, where one was needed. */
  readonly instance: object | undefined
  /** The marker in the route's stack that says which action it is. */
  readonly actions: ReadonlyMap<unknown, OpenedAction>
}

interface Route {
  readonly stack: ReadonlyArray<{ readonly handle: unknown }>
}

/**
 * The first middleware of an audited controller: opens the attempts of the action before body,
 * guards and validation, counts the client's address, and holds the response until the rows are
 * stored.
 */
export function openCalls({ trail, contextOf, controller, instance, actions }: OpenCallsOptions): RequestHandler {
  const facts = factsOfClass(controller, instance)
  const ownTrail = facts.trail ?? trail
  const plans = new Map<string, MethodHooks>()
  for (const { method } of actions.values()) plans.set(method, hooksOfMethod(controller, method))
  const routes = new WeakMap<Route, OpenedAction>()

  function actionOf(route: Route): OpenedAction | undefined {
    const known = routes.get(route)
    if (known) return known
    const marker = route.stack.find(({ handle }) => actions.has(handle))
    const action = marker && actions.get(marker.handle)
    if (action) routes.set(route, action)
    return action
  }

  return function auditedRequest(request, response, next): void {
    const action = actionOf(request.route as Route)
    const plan = action && plans.get(action.method)
    if (!action || !plan || callOf(request)) {
      next()
      return
    }
    const context = contextOf(request)
    const call = new AuditedCall(ownTrail, context, facts, action.method, currentFlow()?.call, true)
    for (const hook of plan.hooks) call.open(hook.event)
    noteCall(request, call)
    holdResponse(request, response, call)
    runInFlow({ context, trail: ownTrail, call }, () => {
      if (plan.throttles.length === 0) proceed(action, request, response, next)
      else throttle(call, plan, controller, { request, response, next, action }).catch(next)
    })
  }
}

interface Exchange {
  readonly request: Request
  readonly response: Response
  readonly next: NextFunction
  readonly action: OpenedAction
}

function proceed({ mediaType }: OpenedAction, request: Request, response: Response, next: NextFunction): void {
  const refusal = mediaType?.refusalOf(request)
  if (!refusal) {
    next()
    return
  }
  const call = callOf(request)
  if (call) call.reason = refusal.code
  sendProblem(request, response, refusal)
}

async function throttle(call: AuditedCall, plan: MethodHooks, controller: AnyClass, exchange: Exchange): Promise<void> {
  const { request, response, next, action } = exchange
  try {
    call.shaping = () => getFromContainer(controller as never) as object
    for (const reservation of await reserveAddress(call, plan.throttles)) limitHeaders(response, reservation)
  } catch (error) {
    if (error instanceof Throttled) sendThrottled(request, response, error)
    else next(error)
    return
  }
  proceed(action, request, response, next)
}

function limitHeaders(response: Response, { limit, remaining, resetAfter, window }: Reservation): void {
  response.setHeader('RateLimit-Policy', `${limit};w=${window}`)
  response.setHeader('RateLimit-Limit', String(limit))
  response.setHeader('RateLimit-Remaining', String(remaining))
  response.setHeader('RateLimit-Reset', String(resetAfter))
}

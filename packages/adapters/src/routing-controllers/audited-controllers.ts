import type { AuditTrail } from '@countersign/core'
import type { AnyClass } from '@countersign/mixins'
import type { RequestHandler } from 'express'
import { checkControllers } from './check-controllers.js'
import { type ControllerClass, classesOf } from './controller-classes.js'
import { actionsOf, inheritRoutes, useFirst } from './inherit-routes.js'
import { assertNotWaiting, markPrepared, watchRegistrations } from './lost-guards.js'
import { guardBody } from './media-type.js'
import { type OpenedAction, openCalls } from './open-calls.js'
import { type RequestContextOptions, requestContext } from './request-context.js'

/**
 * Prepares controllers for `createExpressServer`: gives subclasses back what routing-controllers
 * drops, checks every audited one, and opens and closes their attempts around each request.
 *
 * @throws AuditError `CONTROLLERS_INVALID` with every fault of every controller
 * @example
 * const app = createExpressServer({ ...safeDefaults, controllers: auditedControllers(trail, [SessionController]) })
 */
export function auditedControllers(
  trail: AuditTrail,
  controllers: readonly ControllerClass[],
  options: RequestContextOptions = {},
): ControllerClass[] {
  const classes = classesOf(controllers, 'auditedControllers(trail, […])')
  for (const controller of classes) {
    assertNotWaiting(controller, trail)
    inheritRoutes(controller)
  }
  const contextOf = requestContext(options)
  for (const { controller, instance } of checkControllers(trail, classes)) {
    const actions = new Map<unknown, OpenedAction>()
    for (const method of actionsOf(controller))
      actions.set(mark(controller, method), { method, mediaType: guardBody(controller, method) })
    useFirst(controller, undefined, openCalls({ trail, contextOf, controller, instance, actions }))
  }
  for (const controller of classes) markPrepared(controller, trail)
  return classes as unknown as ControllerClass[]
}

// On import, not on use: a server that forgets to use it is the one to be refused.
watchRegistrations()

/** Puts a middleware of its own into the action's route, by which its requests are recognised. */
function mark(controller: AnyClass, method: string): RequestHandler {
  const marker: RequestHandler = (_request, _response, next) => next()
  useFirst(controller, method, marker)
  return marker
}

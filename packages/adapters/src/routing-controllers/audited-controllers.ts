import type { IncomingMessage } from 'node:http'
import type { AuditTrail } from '@countersign/core'
import { markAction } from './audited-actions.js'
import { checkControllers } from './check-controllers.js'
import { type ControllerClass, classesOf } from './controller-classes.js'
import { placeUnserved } from './express/place-of-unserved.js'
import { actionsOf, inheritRoutes, useFirst } from './inherit-routes.js'
import { frontKoaServers } from './koa/front-koa-servers.js'
import { assertNotWaiting, markPrepared, watchRegistrations } from './lost-guards.js'
import { openCalls } from './open-calls.js'
import { type RequestContextOptions, requestContext } from './request-context.js'

/**
 * Prepares controllers for `createExpressServer` or `createKoaServer`: gives subclasses back what
 * routing-controllers drops, checks every audited one, and opens and closes their attempts around
 * each request.
 *
 * @throws AuditError `CONTROLLERS_INVALID` with every fault of every controller
 * @example
 * const app = createExpressServer({ ...safeDefaults, controllers: auditedControllers(trail, [SessionController]) })
 */
export function auditedControllers<Request extends object = IncomingMessage>(
  trail: AuditTrail,
  controllers: readonly ControllerClass[],
  options: RequestContextOptions<Request> = {},
): ControllerClass[] {
  const classes = classesOf(controllers, 'auditedControllers(trail, […])')
  for (const controller of classes) {
    assertNotWaiting(controller, trail)
    inheritRoutes(controller)
  }
  const contextOf = requestContext(options)
  for (const { controller, instance } of checkControllers(trail, classes)) {
    for (const method of actionsOf(controller)) markAction(controller, method)
    useFirst(controller, undefined, openCalls({ trail, contextOf, controller, instance }))
  }
  for (const controller of classes) markPrepared(controller, trail)
  return classes as unknown as ControllerClass[]
}

// On import, not on use: a server that forgets to use it is the one to be refused.
watchRegistrations()
frontKoaServers()
placeUnserved()

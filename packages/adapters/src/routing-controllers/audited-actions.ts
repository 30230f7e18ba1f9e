import { type AnyClass, hooksOfMethod, type MethodHooks } from '@countersign/mixins'
import { type ActionBody, guardBody } from './action-body.js'
import { type DriverMiddleware, nextOf } from './exchange.js'
import { useFirst } from './inherit-routes.js'

/** One action of an audited controller, as its requests are opened. */
export interface AuditedAction {
  readonly method: string
  readonly plan: MethodHooks
  /** What it takes as its body; undefined where it declares none. */
  readonly body: ActionBody | undefined
}

const actions = new WeakMap<object, AuditedAction>()

/** Puts a middleware of its own into the action's route, by which its requests are recognised. */
export function markAction(controller: AnyClass, method: string): void {
  const marker: DriverMiddleware = (...given) => nextOf(given)()
  actions.set(marker, { method, plan: hooksOfMethod(controller, method), body: guardBody(controller, method) })
  useFirst(controller, method, marker)
}

/** The action that a middleware of its route marks; undefined for any other middleware. */
export function actionMarkedBy(middleware: unknown): AuditedAction | undefined {
  return actions.get(middleware as object)
}

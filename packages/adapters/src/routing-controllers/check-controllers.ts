import { AuditError, type AuditTrail } from '@countersign/core'
import {
  type AnyClass,
  assignsClassName,
  type ControllerFault,
  factsOfClass,
  faultsOf,
  hooksOf,
  isHooked,
  nameOf,
} from '@countersign/mixins'
import { getFromContainer } from 'routing-controllers'
import { actionsOf } from './inherit-routes.js'
import { lostByRedeclaration, lostByRedeclaredClass } from './lost-guards.js'
import { untypedBodies } from './untyped-bodies.js'

/** An audited controller that passed, with the instance that had to be made to look at it. */
export interface CheckedController {
  readonly controller: AnyClass
  readonly instance: object | undefined
}

/**
 * Looks at every controller of a server before it starts, and reports all that is wrong at once.
 *
 * @throws AuditError `CONTROLLERS_INVALID`
 */
export function checkControllers(trail: AuditTrail, controllers: readonly AnyClass[]): CheckedController[] {
  const faults: ControllerFault[] = []
  const checked: CheckedController[] = []
  const events = declaredEvents(controllers)
  for (const controller of controllers.filter(isHooked)) {
    const { instance, fault } = instanceFor(controller)
    const own = fault ? [fault] : faultsOf(controller, instance)
    faults.push(
      ...own,
      ...lostByRedeclaration(controller),
      ...lostByRedeclaredClass(controller),
      ...unserved(controller),
      ...untypedBodies(controller),
      ...unknownEvents(controller, trail, events),
      ...unknownScopes(controller, trail),
    )
    if (own.length === 0) checked.push({ controller, instance })
  }
  faults.push(...takenNames(checked))
  if (faults.length === 0) return checked
  const list = faults.map(({ code, message }) => `\n- [${code}] ${message}`).join('')
  throw new AuditError(
    'CONTROLLERS_INVALID',
    `The server does not start: ${faults.length} fault(s) in its audited controllers.${list}`,
  )
}

/** A `className` that is an instance field shows on an instance only; the container makes it. */
function instanceFor(controller: AnyClass): { instance: object | undefined; fault?: ControllerFault } {
  if (Object.hasOwn(controller, 'className') || !assignsClassName(controller)) return { instance: undefined }
  try {
    return { instance: getFromContainer(controller as never) as object }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    return {
      instance: undefined,
      fault: {
        code: 'CLASS_NAME_INVALID',
        message: `${nameOf(controller)} could not be constructed to read its className (${why}). Write: static readonly className = '${nameOf(controller)}'`,
      },
    }
  }
}

function unserved(controller: AnyClass): ControllerFault[] {
  if (actionsOf(controller).length > 0) return []
  return [
    {
      code: 'ROUTES_LOST',
      message: `${nameOf(controller)} has no routes. Decorate its methods (@Post('/login')), or leave it out of the list.`,
    },
  ]
}

function declaredEvents(controllers: readonly AnyClass[]): Set<string> {
  const hooks = controllers.flatMap((controller) => hooksOf(controller).hooks)
  return new Set(hooks.filter(({ declares }) => declares).map(({ event }) => event))
}

function unknownEvents(controller: AnyClass, trail: AuditTrail, declared: ReadonlySet<string>): ControllerFault[] {
  const unknown = hooksOf(controller).hooks.filter(({ event }) => !trail.knows(event) && !declared.has(event))
  return unknown.map(({ event, method, by }) => ({
    code: 'EVENT_UNKNOWN',
    message: `${by} on ${nameOf(controller)}.${method}(): the trail knows no event '${event}'. Write: createAuditTrail({ events: { ${event}: { severity: 'low' } } })`,
  }))
}

function unknownScopes(controller: AnyClass, trail: AuditTrail): ControllerFault[] {
  const { throttles } = hooksOf(controller)
  if (throttles.length === 0) return []
  const { limiter } = (controller as { trail?: AuditTrail }).trail ?? trail
  if (!limiter) {
    return [
      {
        code: 'LIMITER_MISSING',
        message: `${nameOf(controller)} is throttled, and the trail has no limiter. Write: createAuditTrail({ sink, limiter })`,
      },
    ]
  }
  const unknown = throttles.filter(({ scope }) => !limiter.scopes.has(scope))
  return unknown.map(({ scope, method }) => ({
    code: 'SCOPE_UNKNOWN',
    message: `${nameOf(controller)}.${method}() is throttled by '${scope}', which the limiter '${limiter.name}' was not configured with. Write: { ${scope}: '10/min' }, or null to switch it off`,
  }))
}

function takenNames(checked: readonly CheckedController[]): ControllerFault[] {
  const names = new Map<string, AnyClass>()
  return checked.flatMap(({ controller, instance }) => {
    const { className } = factsOfClass(controller, instance)
    const other = names.get(className)
    if (other === undefined || other === controller) {
      names.set(className, controller)
      return []
    }
    return [
      {
        code: 'CLASS_NAME_TAKEN' as const,
        message: `${nameOf(controller)} has the className '${className}', and so has ${nameOf(other)}. Rows could not tell them apart; give one another name.`,
      },
    ]
  })
}

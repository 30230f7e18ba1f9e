import { type ActorSource, AuditError, type AuditErrorCode, type AuditTrail } from '@countersign/core'
import { nameOf, repetitionsIn } from './hooks.js'
import type { AnyClass } from './mixin-base.js'

/** What a controller says about itself. */
export interface ControllerFacts {
  readonly controller: AnyClass
  readonly className: string
  readonly actor: ActorSource
  /** The controller's own trail; without one the context's is used. */
  readonly trail: AuditTrail | undefined
}

/** Something missing or wrong in a controller, with the line to write. */
export interface ControllerFault {
  readonly code: AuditErrorCode
  readonly message: string
}

interface Statics {
  readonly className?: unknown
  readonly actor?: unknown
  readonly trail?: AuditTrail
}

const identifier = /^[A-Za-z_$][\w$]{0,99}$/
const known = new WeakMap<AnyClass, ControllerFacts>()

/**
 * The facts of an object's class; refuses a class that does not give them.
 * @throws AuditError `CLASS_NAME_INVALID`, `ACTOR_SOURCE_MISSING`, `EVENT_AUDITED_TWICE`
 */
export function factsOf(self: object): ControllerFacts {
  return factsOfClass(self.constructor as AnyClass, self)
}

/** As {@link factsOf}, before there is an object, or with one that shows its instance fields. */
export function factsOfClass(controller: AnyClass, instance?: object): ControllerFacts {
  const cached = known.get(controller)
  if (cached) return cached
  const faults = faultsOf(controller, instance)
  if (faults.length > 0) throw asError(faults)
  return remember(controller, instance)
}

/**
 * Called while an object with a mixin is under construction. A `className` written as an instance
 * field does not exist yet; such a class is checked at start, or at its first call.
 */
export function admit(self: object): true {
  const controller = self.constructor as AnyClass
  if (known.has(controller)) return true
  const faults = faultsOf(controller).filter(
    ({ code }) =>
      code !== 'CLASS_NAME_INVALID' || Object.hasOwn(controller, 'className') || !assignsClassName(controller),
  )
  if (faults.length > 0) throw asError(faults)
  if (Object.hasOwn(controller, 'className')) remember(controller, self)
  return true
}

/** All that is wrong with a controller; an instance shows a `className` that is an instance field. */
export function faultsOf(controller: AnyClass, instance?: object): ControllerFault[] {
  const faults: ControllerFault[] = []
  const className = ownClassName(controller, instance)
  const name = nameOf(controller)
  if (className === undefined) {
    const borrowed =
      'className' in controller
        ? ` It inherits '${String((controller as Statics).className)}', which names another class.`
        : ''
    faults.push({
      code: 'CLASS_NAME_INVALID',
      message: `${name} has no className of its own.${borrowed} Write: static readonly className = '${suggestion(controller)}'`,
    })
  } else if (typeof className !== 'string' || !identifier.test(className)) {
    faults.push({
      code: 'CLASS_NAME_INVALID',
      message: `${name} has the className ${JSON.stringify(className) ?? String(className)}, which is no identifier of 1 to 100 characters. Write: static readonly className = '${suggestion(controller)}'`,
    })
  }
  if (typeof (controller as Statics).actor !== 'function') {
    faults.push({
      code: 'ACTOR_SOURCE_MISSING',
      message: `${name} does not say who acts. Write: static readonly actor = (context) => Actor | null (null says anonymous, on purpose)`,
    })
  }
  for (const message of repetitionsIn(controller)) faults.push({ code: 'EVENT_AUDITED_TWICE', message })
  return faults
}

/** True for a class that itself may set `className` as an instance field. */
export function assignsClassName(controller: AnyClass): boolean {
  // Instance fields can't be seen before an instance exists; the class's source can.
  return /(?<!static\s+)\bclassName\s*=/.test(Function.prototype.toString.call(controller))
}

function ownClassName(controller: AnyClass, instance: object | undefined): unknown {
  if (Object.hasOwn(controller, 'className')) return (controller as Statics).className
  // A field that an ancestor sets names the ancestor.
  if (instance && Object.hasOwn(instance, 'className') && assignsClassName(controller))
    return (instance as Statics).className
  return undefined
}

function remember(controller: AnyClass, instance: object | undefined): ControllerFacts {
  const statics = controller as Statics
  const facts: ControllerFacts = {
    controller,
    className: ownClassName(controller, instance) as string,
    actor: statics.actor as ActorSource,
    // Read at every call: a test, or a program that starts in steps, gives the class another one later.
    get trail() {
      return statics.trail
    },
  }
  known.set(controller, facts)
  return facts
}

function suggestion(controller: AnyClass): string {
  return identifier.test(controller.name) ? controller.name : 'SessionController'
}

function asError(faults: readonly ControllerFault[]): AuditError {
  const [first] = faults
  return new AuditError((first as ControllerFault).code, faults.map(({ message }) => message).join('\n'))
}

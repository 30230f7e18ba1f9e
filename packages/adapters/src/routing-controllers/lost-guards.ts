import { AuditError, type AuditTrail } from '@countersign/core'
import { type AnyClass, type ControllerFault, isHooked, lineage, nameOf } from '@countersign/mixins'
import { getMetadataArgsStorage } from 'routing-controllers'

type Storage = ReturnType<typeof getMetadataArgsStorage>

/** The trails that classes were prepared for, until a server takes them. */
const prepared = new WeakMap<AnyClass, { trail: AuditTrail; registered: boolean }>()
const watched = new WeakSet<Storage>()

/** Notes that a class got back what it inherits, for the next server that is created. */
export function markPrepared(controller: AnyClass, trail: AuditTrail): void {
  prepared.set(controller, { trail, registered: false })
}

/** @throws AuditError `CONTROLLERS_INVALID` when a class waits for the server of another trail */
export function assertNotWaiting(controller: AnyClass, trail: AuditTrail): void {
  const waiting = prepared.get(controller)
  if (waiting && !waiting.registered && waiting.trail !== trail) {
    throw new AuditError(
      'CONTROLLERS_INVALID',
      `${nameOf(controller)} was prepared for the trail of a server that is not created yet. Create one server after the other: its rows would go to the wrong trail.`,
    )
  }
}

/**
 * From now on routing-controllers refuses to serve an audited controller that was registered
 * without `auditedControllers`, where it would lose guards, parameters or its trail.
 */
export function watchRegistrations(): void {
  const storage = getMetadataArgsStorage()
  if (watched.has(storage)) return
  watched.add(storage)
  const filter = storage.filterControllerMetadatasForClasses.bind(storage)
  storage.filterControllerMetadatasForClasses = (classes) => {
    for (const controller of classes as unknown as AnyClass[]) assertPrepared(storage, controller)
    return filter(classes)
  }
}

function assertPrepared(storage: Storage, controller: AnyClass): void {
  const entry = prepared.get(controller)
  if (entry) entry.registered = true
  if (entry || !isHooked(controller)) return
  const [, ...ancestors] = lineage(controller)
  const hasOwnTrail = (controller as { trail?: unknown }).trail !== undefined
  if (hasOwnTrail && !ancestors.some((ancestor) => declaresAnything(storage, ancestor))) return
  throw new AuditError(
    'ROUTES_LOST',
    `${nameOf(controller)} is audited and was registered without auditedControllers: it would have no trail, and what it inherits (guards, parameters) would be lost. Write: controllers: auditedControllers(trail, [${nameOf(controller)}])`,
  )
}

function declaresAnything(storage: Storage, target: AnyClass): boolean {
  const isIt = (entry: { target: unknown }): boolean => entry.target === target
  return (
    storage.uses.some(isIt) ||
    storage.useInterceptors.some(isIt) ||
    storage.responseHandlers.some(isIt) ||
    storage.params.some(({ object }) => object === target.prototype)
  )
}

/**
 * Actions that a subclass declares again without what its ancestor declared for them: the nearest
 * declaration wins, and here it would win by silence.
 */
export function lostByRedeclaration(controller: AnyClass): ControllerFault[] {
  const storage = getMetadataArgsStorage()
  const chain = lineage(controller)
  return chain.flatMap((nearer, index) =>
    storage.filterActionsWithTarget(nearer as never).flatMap(({ method }) => {
      const declaredAbove = chain
        .slice(index + 1)
        .filter((above) => storage.filterActionsWithTarget(above as never).some((action) => action.method === method))
      return declaredAbove.flatMap((above) => compare(storage, nearer, above, method))
    }),
  )
}

function compare(storage: Storage, nearer: AnyClass, above: AnyClass, method: string): ControllerFault[] {
  const where = `${nameOf(nearer)}.${method}()`
  const faults = lostGuards(storage, nearer, above, method).map(
    (guard): ControllerFault => ({
      code: 'GUARD_LOST',
      message: `${where} declares the route of ${nameOf(above)}.${method}() again without its ${guard}. Repeat it there, or leave the route to ${nameOf(above)}.`,
    }),
  )
  const handler: unknown = Reflect.get(nearer.prototype, method)
  const takesArguments = typeof handler === 'function' && handler.length > 0
  if (takesArguments && params(storage, above, method) > 0 && params(storage, nearer, method) === 0) {
    faults.push({
      code: 'PARAMETERS_LOST',
      message: `${where} declares the route of ${nameOf(above)}.${method}() again, takes arguments, and says of none where it comes from. Decorate them (@Body(), @Param(…)), or leave the route to ${nameOf(above)}.`,
    })
  }
  return faults
}

/** What guards a class as a whole, and a nearer class declares otherwise. */
export function lostByRedeclaredClass(controller: AnyClass): ControllerFault[] {
  const storage = getMetadataArgsStorage()
  const chain = lineage(controller)
  return chain.flatMap((nearer, index) =>
    rolesOf(storage, nearer, undefined) === undefined
      ? []
      : chain.slice(index + 1).flatMap((above) =>
          lostRoles(storage, nearer, above, undefined).map(
            (guard): ControllerFault => ({
              code: 'GUARD_LOST',
              message: `${nameOf(nearer)} declares the guard of ${nameOf(above)} again without its ${guard}. Repeat it there, or leave the guard to ${nameOf(above)}.`,
            }),
          ),
        ),
  )
}

/** The guards above that the nearer declaration does not repeat: by role, and by middleware. */
function lostGuards(storage: Storage, nearer: AnyClass, above: AnyClass, method: string): string[] {
  const own = new Set(middlewares(storage, nearer, method))
  const lost = middlewares(storage, above, method).filter((middleware) => !own.has(middleware))
  const uses = lost.map((middleware) => `@UseBefore(${(middleware as { name?: string }).name ?? ''})`)
  return [...lostRoles(storage, nearer, above, method), ...uses]
}

function lostRoles(storage: Storage, nearer: AnyClass, above: AnyClass, method: string | undefined): string[] {
  const required = rolesOf(storage, above, method)
  if (required === undefined) return []
  const repeated = rolesOf(storage, nearer, method)
  if (repeated === undefined) return ['@Authorized']
  return required.filter((role) => !repeated.includes(role)).map((role) => `@Authorized(${JSON.stringify(role)})`)
}

/** The roles that a class or an action demands; undefined when it has no guard. */
function rolesOf(storage: Storage, target: AnyClass, method: string | undefined): unknown[] | undefined {
  const guard = storage.responseHandlers.find(
    (handler) => handler.type === 'authorized' && (handler.target as unknown) === target && handler.method === method,
  )
  return guard ? [guard.value ?? []].flat() : undefined
}

function middlewares(storage: Storage, target: AnyClass, method: string): unknown[] {
  return storage.uses
    .filter((use) => !use.afterAction && (use.target as unknown) === target && use.method === method)
    .map(({ middleware }) => middleware)
}

function params(storage: Storage, target: AnyClass, method: string): number {
  return storage.params.filter((param) => param.object === target.prototype && param.method === method).length
}

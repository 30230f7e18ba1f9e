import { AuditError } from '@countersign/core'
import { type AnyClass, type ControllerFault, isHooked, lineage, nameOf } from '@countersign/mixins'
import { getMetadataArgsStorage } from 'routing-controllers'

type Storage = ReturnType<typeof getMetadataArgsStorage>

const prepared = new WeakSet<AnyClass>()
const watched = new WeakSet<Storage>()

/** Notes that a class got back what it inherits. */
export function markPrepared(controller: AnyClass): void {
  prepared.add(controller)
}

/**
 * From now on routing-controllers refuses to serve an audited subclass that was registered
 * without `auditedControllers`, where it would lose guards and parameters.
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
  if (prepared.has(controller) || !isHooked(controller)) return
  const [, ...ancestors] = lineage(controller)
  if (!ancestors.some((ancestor) => declaresAnything(storage, ancestor))) return
  throw new AuditError(
    'ROUTES_LOST',
    `${nameOf(controller)} extends a controller with routes and was registered without auditedControllers: its inherited guards and parameters would be lost. Write: controllers: auditedControllers(trail, [${nameOf(controller)}])`,
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
  const faults: ControllerFault[] = []
  const where = `${nameOf(nearer)}.${method}()`
  if (guards(storage, above, method).length > 0 && guards(storage, nearer, method).length === 0) {
    faults.push({
      code: 'GUARD_LOST',
      message: `${where} declares the route of ${nameOf(above)}.${method}() again without its ${guards(storage, above, method).join(' and ')}. Repeat it there, or leave the route to ${nameOf(above)}.`,
    })
  }
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

function guards(storage: Storage, target: AnyClass, method: string): string[] {
  const isIt = (entry: { target: unknown; method?: string | undefined }): boolean =>
    entry.target === target && entry.method === method
  const authorized = storage.responseHandlers.some((handler) => handler.type === 'authorized' && isIt(handler))
  const uses = storage.uses.some((use) => !use.afterAction && isIt(use))
  return [...(authorized ? ['@Authorized'] : []), ...(uses ? ['@UseBefore'] : [])]
}

function params(storage: Storage, target: AnyClass, method: string): number {
  return storage.params.filter((param) => param.object === target.prototype && param.method === method).length
}

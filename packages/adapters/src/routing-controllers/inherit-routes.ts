import { type AnyClass, lineage } from '@countersign/mixins'
import 'reflect-metadata'
import { getMetadataArgsStorage } from 'routing-controllers'

type Storage = ReturnType<typeof getMetadataArgsStorage>
type Use = Storage['uses'][number]
type InterceptorUse = Storage['useInterceptors'][number]
type ResponseHandler = Storage['responseHandlers'][number]
type Param = Storage['params'][number]

// What was copied, so that a second server over the same class starts from what was declared.
const copied = new WeakSet<object>()

function copy<Entry extends object>(entry: Entry): Entry {
  copied.add(entry)
  return entry
}

/** True for what was not declared but copied or added here. */
export function isCopy(entry: object): boolean {
  return copied.has(entry)
}

function removeCopies<Entry extends object>(entries: Entry[], isOf: (entry: Entry) => boolean): void {
  for (let index = entries.length - 1; index >= 0; index--) {
    const entry = entries[index] as Entry
    if (copied.has(entry) && isOf(entry)) entries.splice(index, 1)
  }
}

/**
 * routing-controllers finds the routes of a subclass along the prototype chain, and everything
 * else (parameters, guards, middlewares, interceptors, status codes) by the exact class: extended,
 * a guarded route is served to anybody. This gives the class what its ancestors declared.
 * The nearest declaration of an action wins; what is declared for a whole class adds up.
 *
 * Adds to `getMetadataArgsStorage()`, which is public and undocumented: nothing else does.
 */
export function inheritRoutes(controller: AnyClass): void {
  const storage = getMetadataArgsStorage()
  forget(storage, controller)
  const [, ...ancestors] = lineage(controller)
  inheritController(storage, controller, ancestors)
  for (const ancestor of ancestors) {
    const redeclared = methodsDeclaredBelow(storage, controller, ancestor)
    inheritUses(storage, controller, ancestor, redeclared)
    inheritResponseHandlers(storage, controller, ancestor, redeclared)
    inheritParams(storage, controller, ancestor, redeclared)
  }
}

/** Adds a middleware that runs before everything else of a controller, or of one of its actions. */
export function useFirst(controller: AnyClass, method: string | undefined, middleware: Use['middleware']): void {
  const use = { target: controller, middleware, afterAction: false, ...(method === undefined ? {} : { method }) }
  getMetadataArgsStorage().uses.unshift(copy(use as unknown as Use))
}

/** The names of all actions that a class serves, inherited ones included. */
export function actionsOf(controller: AnyClass): string[] {
  const storage = getMetadataArgsStorage()
  const methods = lineage(controller).flatMap((target) =>
    storage.filterActionsWithTarget(target as never).map(({ method }) => method),
  )
  return [...new Set(methods)]
}

function forget(storage: Storage, controller: AnyClass): void {
  removeCopies(storage.controllers, ({ target }) => (target as unknown) === controller)
  removeCopies(storage.uses, ({ target }) => (target as unknown) === controller)
  removeCopies(storage.useInterceptors, ({ target }) => (target as unknown) === controller)
  removeCopies(storage.responseHandlers, ({ target }) => (target as unknown) === controller)
  removeCopies(storage.params, ({ object }) => object === controller.prototype)
}

function inheritController(storage: Storage, controller: AnyClass, ancestors: readonly AnyClass[]): void {
  const entryOf = (target: AnyClass): Storage['controllers'][number] | undefined =>
    storage.controllers.find((entry) => (entry.target as unknown) === target)
  if (entryOf(controller)) return
  const inherited = ancestors.map(entryOf).find((entry) => entry !== undefined)
  if (inherited) storage.controllers.push(copy({ ...inherited, target: controller as never }))
}

function methodsDeclaredBelow(storage: Storage, controller: AnyClass, ancestor: AnyClass): Set<string> {
  const chain = lineage(controller)
  const below = chain.slice(0, chain.indexOf(ancestor))
  return new Set(
    below.flatMap((target) => storage.filterActionsWithTarget(target as never).map(({ method }) => method)),
  )
}

function inheritUses(storage: Storage, controller: AnyClass, ancestor: AnyClass, redeclared: Set<string>): void {
  const isInherited = ({ target, method }: Use | InterceptorUse): boolean =>
    (target as unknown) === ancestor && !(method !== undefined && redeclared.has(method))
  // An ancestor's middleware runs before the subclass's own, as it would without the subclass.
  const uses = storage.uses.filter((use) => !copied.has(use) && isInherited(use))
  storage.uses.unshift(...uses.map((use) => copy({ ...use, target: controller as never })))
  const interceptors = storage.useInterceptors.filter((use) => !copied.has(use) && isInherited(use))
  storage.useInterceptors.unshift(...interceptors.map((use) => copy({ ...use, target: controller as never })))
}

function inheritResponseHandlers(
  storage: Storage,
  controller: AnyClass,
  ancestor: AnyClass,
  redeclared: Set<string>,
): void {
  const own = (): ResponseHandler[] =>
    storage.responseHandlers.filter(({ target }) => (target as unknown) === controller)
  for (const handler of storage.responseHandlers.filter(({ target }) => (target as unknown) === ancestor)) {
    if (copied.has(handler) || (handler.method !== undefined && redeclared.has(handler.method))) continue
    const nearer = own().some(
      ({ type, method, value }) =>
        type === handler.type && method === handler.method && (type !== 'header' || value === handler.value),
    )
    if (!nearer) storage.responseHandlers.push(copy({ ...handler, target: controller as never }))
  }
}

function inheritParams(storage: Storage, controller: AnyClass, ancestor: AnyClass, redeclared: Set<string>): void {
  const own = storage.params.filter(({ object }) => object === controller.prototype)
  const isTaken = (param: Param): boolean =>
    own.some(({ method, index }) => method === param.method && index === param.index)
  const inherited = storage.params.filter(
    (param) =>
      param.object === ancestor.prototype && !copied.has(param) && !redeclared.has(param.method) && !isTaken(param),
  )
  storage.params.push(...inherited.map((param) => copy(ofAncestor(param, controller, ancestor))))
}

/** An override of the method may declare other types, or none: the body is validated as it was declared. */
function ofAncestor(param: Param, controller: AnyClass, ancestor: AnyClass): Param {
  const types: unknown[] | undefined = Reflect.getMetadata('design:paramtypes', ancestor.prototype, param.method)
  const explicitType: unknown = param.explicitType ?? types?.[param.index]
  return { ...param, object: controller.prototype, ...(explicitType ? { explicitType } : {}) }
}

import { type AnyClass, lineage } from '@countersign/mixins'
import { getMetadataArgsStorage } from 'routing-controllers'
import { isCopy } from './inherit-routes.js'

type Storage = ReturnType<typeof getMetadataArgsStorage>

/** A route as a server serves it. */
export interface ServedRoute {
  readonly method: string
  /** In capitals; `ALL` takes every method. */
  readonly httpMethod: string
  readonly path: string
}

/** The routes of a class, inherited ones included; none for a class that is no controller. */
export function routesOf(controller: AnyClass, routePrefix: string): ServedRoute[] {
  const storage = getMetadataArgsStorage()
  const chain = lineage(controller)
  const base = chain
    .map((target) => storage.controllers.find((entry) => (entry.target as unknown) === target))
    .find((entry) => entry !== undefined)
  if (!base) return []
  const taken = new Set<string>()
  return chain.flatMap((target) => {
    const actions = storage.filterActionsWithTarget(target as never).filter(({ method }) => !taken.has(method))
    for (const { method } of actions) taken.add(method)
    return actions.map(({ method, type, route }) => ({
      method,
      httpMethod: type.toUpperCase(),
      path: pathOf([routePrefix, base.route ?? ''], route),
    }))
  })
}

/** As routing-controllers joins them; a regular expression stays one. */
function pathOf(bases: readonly string[], route: string | RegExp | undefined): string {
  const [prefix = '', base = ''] = bases
  if (route instanceof RegExp) return String(below(prefix, below(base, route)))
  return `${slashed(prefix)}${base}${route ?? ''}` || '/'
}

function below(base: string, route: RegExp): RegExp {
  return base === '' ? route : new RegExp(`^${slashed(base)}${route.toString().slice(1)}?$`, route.flags)
}

function slashed(base: string): string {
  return base !== '' && !base.includes('/') ? `/${base}` : base
}

/** What stands before an action and may refuse it: `@Authorized admin`, `@UseBefore sameOrigin`. */
export function guardsOf(controller: AnyClass, method: string): string[] {
  const storage = getMetadataArgsStorage()
  const chain = lineage(controller)
  const declaring = chain.findIndex((target) =>
    storage.filterActionsWithTarget(target as never).some((action) => action.method === method),
  )
  if (declaring === -1) return []
  const ofAction = chain.slice(0, declaring + 1)
  const guards = [
    ...middlewaresOf(storage, chain, undefined),
    ...middlewaresOf(storage, ofAction, method),
    ...authorizedOf(storage, chain, undefined),
    ...authorizedOf(storage, ofAction, method),
  ]
  return [...new Set(guards)]
}

/** The nearest declaration wins. */
function authorizedOf(storage: Storage, chain: readonly AnyClass[], method: string | undefined): string[] {
  const guard = chain
    .map((target) =>
      storage.responseHandlers.find(
        (handler) =>
          handler.type === 'authorized' && (handler.target as unknown) === target && handler.method === method,
      ),
    )
    .find((handler) => handler !== undefined)
  return guard ? [['@Authorized', ...[guard.value ?? []].flat().map(String)].join(' ')] : []
}

/** Those of all classes add up, an ancestor's first. */
function middlewaresOf(storage: Storage, chain: readonly AnyClass[], method: string | undefined): string[] {
  return chain
    .toReversed()
    .flatMap((target) =>
      storage.uses
        .filter(
          (use) => (use.target as unknown) === target && use.method === method && !use.afterAction && !isCopy(use),
        )
        .map(({ middleware }) => `@UseBefore ${(middleware as { name?: string }).name || 'anonymous'}`),
    )
}

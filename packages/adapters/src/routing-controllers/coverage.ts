import {
  AuditError,
  type AuditTrail,
  catalogue,
  defineEvent,
  type EventDefinition,
  type Outcome,
} from '@countersign/core'
import { type AnyClass, hooksOf, hooksOfMethod, nameOf } from '@countersign/mixins'
import { type ControllerClass, classesOf } from './controller-classes.js'
import type { CoverageReport, CoveredEvent, CoveredHandler, CoveredRoute, CoveredScope } from './coverage-report.js'
import { guardsOf, routesOf, type ServedRoute } from './served-routes.js'

/** What {@link auditCoverage} may be told. */
export interface CoverageOptions {
  /** As given to the server: `/api`. */
  readonly routePrefix?: string
  /** Routes that are deliberately not audited, each with the reason: `{ 'POST /token/verify': 'changes nothing' }`. */
  readonly exempt?: Readonly<Record<string, string>>
  /** Knows the severities of your own events; without it they have the default ones. */
  readonly trail?: AuditTrail
}

/**
 * What every route of a set of controllers leaves in the trail. Reads what was declared; starts
 * nothing and constructs nothing. Routes that are mounted beside the controllers are not seen.
 *
 * @throws AuditError `CONTROLLERS_INVALID`, `SETTING_INVALID` for an exemption without a reason
 * @example
 * const { complete, unaudited } = auditCoverage([SessionController, PasswordResetController])
 * if (!complete) console.error(unaudited.map(({ httpMethod, path }) => `${httpMethod} ${path}`))
 */
export function auditCoverage(controllers: readonly ControllerClass[], options: CoverageOptions = {}): CoverageReport {
  const classes = classesOf(controllers, 'auditCoverage([…])')
  const { routePrefix = '', exempt = {}, trail } = options
  assertReasons(exempt)
  const routes = classes.flatMap((controller) =>
    routesOf(controller, routePrefix).map((route) =>
      coveredRoute(coveredHandler(controller, route.method, trail), route, exempt),
    ),
  )
  const unaudited = routes.filter(needsAudit).filter((route) => route.exempt === null)
  const needed = new Set(routes.filter(needsAudit).map(keyOf))
  const needlessExemptions = Object.keys(exempt).filter((key) => !needed.has(key))
  return {
    complete: unaudited.length === 0 && needlessExemptions.length === 0,
    routes,
    handlers: classes.flatMap((controller) =>
      unservedMethods(controller).map((method) => coveredHandler(controller, method, trail)),
    ),
    scopes: scopesOf(classes),
    unaudited,
    needlessExemptions,
  }
}

/** How an exemption names a route: `POST /api/auth/login`. */
export function keyOf({ httpMethod, path }: Pick<CoveredRoute, 'httpMethod' | 'path'>): string {
  return `${httpMethod} ${path}`
}

const readOnly: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])
const everyOutcome: readonly Outcome[] = ['success', 'failure', 'denied']

function needsAudit({ stateChanging, audited }: CoveredRoute): boolean {
  return stateChanging && !audited
}

function coveredRoute(
  handler: CoveredHandler,
  { httpMethod, path }: ServedRoute,
  exempt: Readonly<Record<string, string>>,
): CoveredRoute {
  const stateChanging = !readOnly.has(httpMethod)
  const audited = handler.events.some(({ outcomes }) => outcomes.length === everyOutcome.length)
  const key = keyOf({ httpMethod, path })
  const reason = stateChanging && !audited && Object.hasOwn(exempt, key) ? exempt[key] : undefined
  return { httpMethod, path, ...handler, stateChanging, audited, exempt: reason ?? null }
}

function coveredHandler(controller: AnyClass, method: string, trail: AuditTrail | undefined): CoveredHandler {
  const { hooks, throttles } = hooksOfMethod(controller, method)
  const own = (controller as { trail?: AuditTrail }).trail ?? trail
  const events = hooks.map(({ event, by }) => coveredEvent(event, by, everyOutcome, own))
  const scopes = throttles.map(({ scope }) => scope)
  const throttling = scopes.map((scope) => `throttle ${scope}`)
  // What is throttled and not audited leaves a row when it is refused, and else none.
  if (hooks.length === 0 && throttles.length > 0)
    events.push(coveredEvent('rate_limit', throttling.join(', '), ['denied'], own))
  const className: unknown = Object.hasOwn(controller, 'className') && Reflect.get(controller, 'className')
  return {
    controller: nameOf(controller),
    className: typeof className === 'string' ? className : null,
    method,
    events,
    scopes,
    deniedBy: [...throttling, ...guardsOf(controller, method)],
  }
}

function coveredEvent(
  event: string,
  by: string,
  outcomes: readonly Outcome[],
  trail: AuditTrail | undefined,
): CoveredEvent {
  const { severity } = definitionOf(event, trail)
  return {
    event,
    by,
    outcomes: outcomes.map((outcome) => ({ outcome, signal: `${event}.${outcome}`, severity: severity[outcome] })),
  }
}

function definitionOf(event: string, trail: AuditTrail | undefined): EventDefinition {
  return trail?.definitionOf(event) ?? catalogue[event] ?? defineEvent(event)
}

function unservedMethods(controller: AnyClass): string[] {
  const served = new Set(routesOf(controller, '').map(({ method }) => method))
  const audited = hooksOf(controller).hooks.map(({ method }) => method)
  return [...new Set(audited)].filter((method) => !served.has(method))
}

function scopesOf(classes: readonly AnyClass[]): CoveredScope[] {
  const scopes = new Map<string, string[]>()
  for (const controller of classes) {
    for (const { scope, method } of hooksOf(controller).throttles)
      scopes.set(scope, [...(scopes.get(scope) ?? []), `${nameOf(controller)}.${method}`])
  }
  return [...scopes].map(([scope, handlers]) => ({ scope, handlers }))
}

function assertReasons(exempt: Readonly<Record<string, string>>): void {
  for (const [key, reason] of Object.entries(exempt)) {
    if (typeof reason === 'string' && reason.trim() !== '') continue
    throw new AuditError(
      'SETTING_INVALID',
      `The exemption of '${key}' has no reason. Write: exempt: { '${key}': 'reads a token, changes nothing' }`,
    )
  }
}

import { AuditError } from '@countersign/core'
import { authControllers } from '../auth-controllers.js'
import type { AuthControllerClass } from '../web/provided.js'
import { type Feature, type Features, featureControllers } from './features.js'

/** What differs from the controllers of the reference system. */
export interface ControllerChoice {
  readonly controllers?: readonly AuthControllerClass[]
  readonly features?: Features
}

/**
 * The controllers that a server serves: ours but for those that are switched off, each replaced by the one that
 * extends it, and then those that extend none.
 *
 * @throws AuditError `SETTING_INVALID` where two would stand in one place
 */
export function servedControllers({ controllers = [], features = {} }: ControllerChoice): AuthControllerClass[] {
  const off = new Set<AuthControllerClass>(
    (Object.keys(featureControllers) as Feature[])
      .filter((feature) => features[feature] === false)
      .flatMap((feature): readonly AuthControllerClass[] => featureControllers[feature]),
  )
  const served = authControllers.filter((ours) => !off.has(ours)).map((ours) => standInFor(ours, controllers))
  const isOurs = (own: AuthControllerClass) => authControllers.some((ours) => own === ours || extendsClass(own, ours))
  return [...served, ...controllers.filter((own) => !isOurs(own))]
}

function standInFor(ours: AuthControllerClass, controllers: readonly AuthControllerClass[]): AuthControllerClass {
  const [first = ours, second] = controllers.filter((own) => extendsClass(own, ours))
  if (second === undefined) return first
  const names = `${first.className} and ${second.className}`
  throw new AuditError('SETTING_INVALID', `controllers: ${names} both extend ${ours.className}. Leave one of them out.`)
}

function extendsClass(own: AuthControllerClass, ours: AuthControllerClass): boolean {
  return own.prototype instanceof ours
}

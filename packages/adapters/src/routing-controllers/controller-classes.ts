import { inspect } from 'node:util'
import { AuditError } from '@countersign/core'
import type { AnyClass } from '@countersign/mixins'

/** What routing-controllers takes as a controller. */
// biome-ignore lint/complexity/noBannedTypes: it is the type of the option `controllers`
export type ControllerClass = Function

/**
 * Each class of a list once.
 * @throws AuditError `CONTROLLERS_INVALID`
 */
export function classesOf(controllers: readonly ControllerClass[], by: string): AnyClass[] {
  const notAClass = Array.isArray(controllers) ? controllers.find((item) => typeof item !== 'function') : controllers
  if (Array.isArray(controllers) && notAClass === undefined && !controllers.includes(undefined as never)) {
    return [...new Set(controllers)] as unknown as AnyClass[]
  }
  throw new AuditError(
    'CONTROLLERS_INVALID',
    `${by} takes a list of classes, and was given ${inspect(notAClass, { depth: 0 })}. Import the classes; a circular import leaves undefined in their place.`,
  )
}

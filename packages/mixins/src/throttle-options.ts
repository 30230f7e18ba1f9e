import { inspect } from 'node:util'
import { AuditError, isSnakeCase } from '@countersign/core'
import { assertOptions } from './assert-options.js'
import type { ThrottleHook } from './hooks.js'

/** What to count by, besides the client's address. */
export interface ThrottleOptions {
  /** The submitted identifier; the audited `attempted` one unless told. */
  readonly identifier?: (...args: any[]) => string | null | undefined
}

/** What `@Throttle` was told, checked; `by` is what messages call it. */
export interface DecoratedThrottle extends Pick<ThrottleHook, 'identifier'> {
  readonly by: string
}

/** Checks what `@Throttle` was told, of whichever kind it is. */
export function decoratedThrottle(scope: string, options: ThrottleOptions): DecoratedThrottle {
  assertScopeName(scope)
  const by = `@Throttle('${scope}')`
  assertOptions(options, by, `@Throttle('${scope}', { identifier: (body) => body.email })`)
  return { by, identifier: options.identifier }
}

/** Refuses a name of a scope that is none. */
export function assertScopeName(scope: unknown): void {
  if (isSnakeCase(scope)) return
  throw new AuditError(
    'LIMIT_INVALID',
    `${inspect(scope)} is not the name of a scope. Write it in snake_case, up to 64 characters: 'password_reset'.`,
  )
}

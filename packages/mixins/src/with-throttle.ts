import { assertHandler } from './assert-handler.js'
import { assertMethodName, assertOptions } from './assert-options.js'
import type { AuditedController, AuditMixinOptions } from './audit-mixin.js'
import { hookedClass } from './hooked-class.js'
import { addThrottle, onClass } from './hooks.js'
import type { AnyClass, HandlerNamed, MixinBase } from './mixin-base.js'
import { assertScopeName, type ThrottleOptions } from './throttle-options.js'

/** What {@link withThrottle} needs to know. */
export interface WithThrottleOptions<Method extends string> extends AuditMixinOptions<Method>, ThrottleOptions {
  readonly scope: string
}

/**
 * As `@Throttle`, for a controller that is extended.
 *
 * @throws AuditError when applied: `LIMIT_INVALID`, `SETTING_INVALID`, `HANDLER_MISSING`, `HANDLER_ESCAPES`, `HANDLER_SYNCHRONOUS`, `EVENT_AUDITED_TWICE`
 * @example
 * class AccountController extends withThrottle(Account, { scope: 'login', method: 'login' }) {}
 */
export function withThrottle<Method extends string, Base extends MixinBase<HandlerNamed<Method>>>(
  Base: Base,
  options: WithThrottleOptions<Method>,
): Base & MixinBase<AuditedController> {
  const example = "withThrottle(Base, { scope: 'login', method: 'post' })"
  assertOptions(options, 'withThrottle', example)
  const { scope, method, identifier } = options
  assertScopeName(scope)
  assertMethodName(method, 'withThrottle', example)
  const base: AnyClass = Base
  assertHandler(base, method, 'withThrottle')
  const ThrottledController = hookedClass(base, { name: 'ThrottledController', method })
  addThrottle(onClass(ThrottledController, base), { scope, method, identifier })
  return ThrottledController as unknown as Base & MixinBase<AuditedController>
}

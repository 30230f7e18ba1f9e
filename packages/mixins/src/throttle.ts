import { assertEventName } from '@countersign/core'
import { assertHandler } from './assert-handler.js'
import { decorated, type HandlerDecorator, replace } from './audit-event.js'
import type { AuditedController, AuditMixinOptions } from './audit-mixin.js'
import { admit } from './controller-facts.js'
import { defineHooked, hookedMethod } from './hooked-method.js'
import { addThrottle } from './hooks.js'
import type { AnyClass, AsyncHandler, HandlerNamed, MixinBase } from './mixin-base.js'
import { throttledHook } from './throttled-hook.js'

/** What to count by, besides the client's address. */
export interface ThrottleOptions {
  /** The submitted identifier; the audited `attempted` one unless told. */
  readonly identifier?: (...args: any[]) => string | null | undefined
}

/**
 * Limits a method by a scope of the trail's limiter: by address before the body is read, by
 * submitted identifier before the handler runs.
 *
 * @example
 * class SessionController {
 *   @AuditEvent('login', { attempted: (body: { email: string }) => body.email })
 *   @Throttle('login')
 *   async login(body: { email: string }) { return { ok: true } }
 * }
 */
export function Throttle(scope: string, options: ThrottleOptions = {}): HandlerDecorator {
  assertEventName(scope)
  return (target, key, descriptor) => {
    const method = String(key)
    const original = decorated(target, method, descriptor, `@Throttle('${scope}')`)
    addThrottle(target.constructor as AnyClass, { scope, method, identifier: options.identifier })
    replace(
      descriptor,
      hookedMethod(method, original, () => original),
    )
  }
}

/** What {@link withThrottle} needs to know. */
export interface WithThrottleOptions<Method extends string> extends AuditMixinOptions<Method>, ThrottleOptions {
  readonly scope: string
}

/**
 * As {@link Throttle}, for a controller that is extended.
 *
 * @example
 * class AccountController extends withThrottle(Account, { scope: 'login', method: 'login' }) {}
 */
export function withThrottle<Method extends string, Base extends MixinBase<HandlerNamed<Method>>>(
  Base: Base,
  { scope, method, identifier }: WithThrottleOptions<Method>,
): Base & MixinBase<AuditedController> {
  assertEventName(scope)
  const base: AnyClass = Base
  const template = assertHandler(base, method, 'withThrottle')
  const inherited = base.prototype as Record<string, AsyncHandler>

  abstract class ThrottledController extends (base as MixinBase) {
    // A constructor would hide the parameters that containers inject by; an initialiser does not.
    // biome-ignore lint/correctness/noUnusedPrivateClassMembers: its initialiser is the check
    readonly #admitted: boolean = admit(this)
  }
  addThrottle(ThrottledController, { scope, method, identifier }, base)
  defineHooked(
    ThrottledController.prototype,
    method,
    hookedMethod(method, template, () => inherited[method] as AsyncHandler),
  )
  defineHooked(
    ThrottledController.prototype,
    'throttled',
    throttledHook(() => inherited.throttled),
  )
  return ThrottledController as unknown as Base & MixinBase<AuditedController>
}

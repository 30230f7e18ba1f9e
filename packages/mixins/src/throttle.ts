import { inspect } from 'node:util'
import { AuditError, isSnakeCase } from '@countersign/core'
import { assertHandler } from './assert-handler.js'
import { assertMethodName, assertOptions } from './assert-options.js'
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
 * @throws AuditError when applied: `LIMIT_INVALID`, `SETTING_INVALID`, `HANDLER_SYNCHRONOUS`, `HANDLER_ESCAPES`, `EVENT_AUDITED_TWICE`
 * @example
 * class SessionController {
 *   @AuditEvent('login', { attempted: (body: { email: string }) => body.email })
 *   @Throttle('login')
 *   async login(body: { email: string }) { return { ok: true } }
 * }
 */
export function Throttle(scope: string, options: ThrottleOptions = {}): HandlerDecorator {
  assertScopeName(scope)
  const by = `@Throttle('${scope}')`
  assertOptions(options, by, `@Throttle('${scope}', { identifier: (body) => body.email })`)
  const { identifier } = options
  return (target, key, descriptor) => {
    const { method, original } = decorated(target, key, descriptor, by)
    addThrottle(target.constructor as AnyClass, { scope, method, identifier })
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

function assertScopeName(scope: unknown): void {
  if (isSnakeCase(scope)) return
  throw new AuditError(
    'LIMIT_INVALID',
    `${inspect(scope)} is not the name of a scope. Write it in snake_case, up to 64 characters: 'password_reset'.`,
  )
}

import { type HandlerDecorator, methodDecorator } from './decorated-method.js'
import { addThrottle } from './hooks.js'
import { decoratedThrottle, type ThrottleOptions } from './throttle-options.js'

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
  const { by, identifier } = decoratedThrottle(scope, options)
  return methodDecorator(by, (place, method) => addThrottle(place, { scope, method, identifier }))
}

import { addThrottle } from '../hooks.js'
import { decoratedThrottle, type ThrottleOptions } from '../throttle-options.js'
import { type HandlerDecorator, methodDecorator } from './decorated-method.js'

/**
 * Limits a method by a scope of the trail's limiter: by the client's address, and by submitted
 * identifier before the handler runs. For classes that are compiled without `experimentalDecorators`.
 *
 * @throws AuditError when applied: `LIMIT_INVALID`, `SETTING_INVALID`, `HANDLER_SYNCHRONOUS`, `HANDLER_ESCAPES`, `HANDLER_MISSING`, `EVENT_AUDITED_TWICE`
 * @throws AuditError at construction: `CLASS_NAME_INVALID`, `ACTOR_SOURCE_MISSING`, `EVENT_AUDITED_TWICE`
 * @example
 * import { AuditEvent, Throttle } from '@countersign/mixins/es'
 *
 * class SessionService {
 *   @AuditEvent('login', { attempted: (body: { email: string }) => body.email })
 *   @Throttle('login')
 *   async login(body: { email: string }) { return { ok: true } }
 * }
 */
export function Throttle(scope: string, options: ThrottleOptions = {}): HandlerDecorator {
  const { by, identifier } = decoratedThrottle(scope, options)
  return methodDecorator(by, (place, method) => addThrottle(place, { scope, method, identifier }))
}

import type { EventName } from '@countersign/core'
import { type AuditEventOptions, decoratedHook } from './audit-event-options.js'
import { type HandlerDecorator, methodDecorator } from './decorated-method.js'
import { addHook } from './hooks.js'

/**
 * Audits a method: every attempt leaves one row of the event. Goes above or below the
 * framework's own decorators. For classes that are compiled with `experimentalDecorators`.
 *
 * @throws AuditError when applied: `EVENT_NAME_INVALID`, `SETTING_INVALID`, `HANDLER_SYNCHRONOUS`, `HANDLER_ESCAPES`, `EVENT_AUDITED_TWICE`
 * @example
 * class SessionController {
 *   static readonly className = 'SessionController'
 *   static readonly actor = () => null
 *
 *   @AuditEvent('login', { attempted: (body: { email: string }) => body.email })
 *   async login(body: { email: string }) { return { ok: true } }
 * }
 */
export function AuditEvent<const Event extends EventName>(
  event: Event,
  options: AuditEventOptions<Event> = {},
): HandlerDecorator {
  const hook = decoratedHook(event, options)
  return methodDecorator(hook.by, (place, method) => addHook(place, { ...hook, method }))
}

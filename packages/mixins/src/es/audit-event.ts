import type { EventName } from '@countersign/core'
import { type AuditEventOptions, decoratedHook } from '../audit-event-options.js'
import { addHook } from '../hooks.js'
import { type HandlerDecorator, methodDecorator } from './decorated-method.js'

/**
 * Audits a method: every attempt leaves one row of the event. For classes that are compiled
 * without `experimentalDecorators`. What an instance must have (`className`, `actor`, no event
 * that an ancestor's mixin audits on the same method) is checked when the first one is made.
 *
 * @throws AuditError when applied: `EVENT_NAME_INVALID`, `SETTING_INVALID`, `HANDLER_SYNCHRONOUS`, `HANDLER_ESCAPES`, `HANDLER_MISSING`, `EVENT_AUDITED_TWICE`
 * @throws AuditError at construction: `CLASS_NAME_INVALID`, `ACTOR_SOURCE_MISSING`, `EVENT_AUDITED_TWICE`
 * @example
 * import { AuditEvent } from '@countersign/mixins/es'
 *
 * class SessionService {
 *   static readonly className = 'SessionService'
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

import { assertEventName, type EventDetails, type EventName, type Subject } from '@countersign/core'
import { assertOptions } from './assert-options.js'
import type { Hook } from './hooks.js'

/** What an audited method's arguments say about the attempt. */
export interface AuditEventOptions<Event extends EventName> {
  readonly details?: (...args: any[]) => EventDetails<Event>
  /** The identifier that was submitted, as typed; stored as a keyed hash and a masked form. */
  readonly attempted?: (...args: any[]) => string | null | undefined
  readonly subject?: (...args: any[]) => Subject | null | undefined
}

/** Checks what `@AuditEvent` was told, of whichever kind it is: the hook, but for its method. */
export function decoratedHook<Event extends EventName>(
  event: Event,
  options: AuditEventOptions<Event>,
): Omit<Hook, 'method'> {
  assertEventName(event)
  const by = `@AuditEvent('${event}')`
  assertOptions(options, by, `@AuditEvent('${event}', { attempted: (body) => body.email })`)
  const { details, attempted, subject } = options
  return { event, by, declares: false, details, attempted, subject }
}

import { AuditError, assertEventName, type EventDetails, type EventName, type Subject } from '@countersign/core'
import { assertHandler } from './assert-handler.js'
import { assertOptions } from './assert-options.js'
import { hookedMethod } from './hooked-method.js'
import { addHook } from './hooks.js'
import type { AnyClass, AsyncHandler } from './mixin-base.js'

/** What an audited method's arguments say about the attempt. */
export interface AuditEventOptions<Event extends EventName> {
  readonly details?: (...args: any[]) => EventDetails<Event>
  /** The identifier that was submitted, as typed; stored as a keyed hash and a masked form. */
  readonly attempted?: (...args: any[]) => string | null | undefined
  readonly subject?: (...args: any[]) => Subject | null | undefined
}

/** A decorator for asynchronous methods only. */
export type HandlerDecorator = <Handler extends AsyncHandler>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<Handler>,
) => void

/**
 * Audits a method: every attempt leaves one row of the event. Goes above or below the
 * framework's own decorators.
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
  assertEventName(event)
  const by = `@AuditEvent('${event}')`
  assertOptions(options, by, `@AuditEvent('${event}', { attempted: (body) => body.email })`)
  const { details, attempted, subject } = options
  return (target, key, descriptor) => {
    const { method, original } = decorated(target, key, descriptor, by)
    addHook(target.constructor as AnyClass, { event, method, by, declares: false, details, attempted, subject })
    replace(
      descriptor,
      hookedMethod(method, original, () => original),
    )
  }
}

/** The decorated method, after the checks that the compiler does for those who have one. */
export function decorated(
  target: object,
  key: string | symbol,
  descriptor: PropertyDescriptor | undefined,
  by: string,
): { readonly method: string; readonly original: AsyncHandler } {
  // What a standard decorator gets in place of the key.
  if (typeof key === 'object' && key !== null && 'kind' in key) {
    throw new AuditError(
      'SETTING_INVALID',
      `${by} was compiled without experimentalDecorators; set it in tsconfig.json.`,
    )
  }
  const method = String(key)
  if (typeof target === 'function') {
    throw new AuditError(
      'HANDLER_MISSING',
      `${by} is on a static method, ${method}(). Only methods of instances are audited.`,
    )
  }
  return { method, original: assertHandler(target.constructor as AnyClass, method, by, descriptor?.value) }
}

/** Puts the hooked method in place of the decorated one. */
export function replace(descriptor: PropertyDescriptor, hooked: AsyncHandler): void {
  descriptor.value = hooked
}

import { assertEventName, type EventName, type Throttling } from '@countersign/core'
import { assertHandler } from './assert-handler.js'
import { assertMethodName, assertOptions } from './assert-options.js'
import type { AuditEventOptions } from './audit-event-options.js'
import { hookedClass } from './hooked-class.js'
import { addHook, type FromArguments, onClass } from './hooks.js'
import type { AnyClass, HandlerNamed, MixinBase } from './mixin-base.js'

/** What a mixin adds to a controller. */
export interface AuditedController {
  /** Shapes the refusal of a throttled attempt: what it returns becomes the body. Never lifts it. */
  throttled(hit: Throttling): Promise<unknown>
}

/** What an audit mixin is, declared: the event, the method, and what to take from the arguments. */
export interface AuditMixinDeclaration<Event extends EventName, Method extends string>
  extends AuditEventOptions<Event> {
  readonly event: Event
  /** The method to hook unless the user names another. */
  readonly method: Method
  /** Whether `throttled(hit)` is hooked too, for hosts with a throttle of their own. True unless told. */
  readonly throttled?: boolean
  /** How messages call the mixin. */
  readonly name?: string
}

/** What can be said when an audit mixin is applied. */
export interface AuditMixinOptions<Method extends string> {
  /** The method to hook; it must exist and be asynchronous. */
  readonly method: Method
}

/** A function that extends a controller with an audit. */
export type AuditMixin<Handlers extends object> = <
  Base extends MixinBase<[Method] extends [never] ? Handlers : HandlerNamed<Method>>,
  Method extends string = never,
>(
  Base: Base,
  options?: AuditMixinOptions<Method>,
) => Base & MixinBase<AuditedController>

/**
 * Declares an audit mixin. The event becomes known to every trail that the mixin meets.
 *
 * @throws AuditError when declared: `EVENT_NAME_INVALID`, `SETTING_INVALID`, `HANDLER_MISSING`
 * @throws AuditError when applied: `SETTING_INVALID`, `HANDLER_MISSING`, `HANDLER_ESCAPES`, `HANDLER_SYNCHRONOUS`, `EVENT_AUDITED_TWICE`
 * @example
 * declare module '@countersign/core' { interface AuditEvents { invoice_payment: { invoiceId: string } } }
 * export const withInvoiceAudit = auditMixin({
 *   event: 'invoice_payment',
 *   method: 'pay',
 *   details: (invoiceId: string) => ({ invoiceId }),
 * })
 */
export function auditMixin<
  const Event extends EventName,
  const Method extends string,
  Handlers extends object = HandlerNamed<Method>,
>(declaration: AuditMixinDeclaration<Event, Method>): AuditMixin<Handlers> {
  const example = "auditMixin({ event: 'invoice_payment', method: 'pay' })"
  assertOptions(declaration, 'auditMixin', example)
  assertEventName(declaration.event)
  assertMethodName(declaration.method, 'auditMixin', example)
  const name = declaration.name ?? `with${pascal(declaration.event)}Audit`
  const apply = (Base: AnyClass, options: Partial<AuditMixinOptions<string>> = {}): AnyClass => {
    const usage = `${name}(Base, { method: '${declaration.method}' })`
    assertOptions(options, name, usage)
    const method = options.method ?? declaration.method
    assertMethodName(method, name, usage)
    return extend(Base, { ...declaration, name, method })
  }
  Object.defineProperty(apply, 'name', { value: name })
  return apply as unknown as AuditMixin<Handlers>
}

interface Application extends FromArguments {
  readonly event: EventName
  readonly method: string
  readonly name: string
  readonly throttled?: boolean
}

function extend(
  Base: AnyClass,
  { event, method, name, throttled, details, attempted, subject }: Application,
): AnyClass {
  assertHandler(Base, method, name)
  const Audited = hookedClass(Base, { name: `${pascal(event)}Audited`, method, throttled })
  addHook(onClass(Audited, Base), { event, method, by: name, declares: true, details, attempted, subject })
  return Audited
}

function pascal(event: string): string {
  return event.replace(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

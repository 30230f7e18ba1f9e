import { inspect } from 'node:util'
import {
  AuditError,
  type AuditEvents,
  assertEventName,
  currentFlow,
  type EventDetails,
  type EventName,
  type Throttling,
} from '@countersign/core'
import { assertHandler } from './assert-handler.js'
import type { AuditedController } from './audit-mixin.js'
import { factsOf } from './controller-facts.js'
import { closing, isCallOf, openCall } from './enter-call.js'
import { defineMethod, hookedClass } from './hooked-class.js'
import { addHook, hooksOf, markAudited, onClass } from './hooks.js'
import type { AnyClass, MixinBase } from './mixin-base.js'

/** What {@link AbstractSignalMixin} gives to the mixin that extends it. */
export declare abstract class SignalSource implements AuditedController {
  /**
   * Runs one attempt at an event, and leaves one row of it. Inside a request the row closes with
   * the response; what `run` returns or throws is passed on unaltered.
   */
  protected audited<Event extends EventName, Result>(
    event: Event,
    details: EventDetails<Event>,
    run: () => Promise<Result>,
  ): Promise<Result>
  throttled(hit: Throttling): Promise<unknown>
}

const by = 'AbstractSignalMixin'

/** Method → event: what a hand-written mixin audits, for attempts that never reach the method. */
export type AuditedMethods = { readonly [method: string]: keyof AuditEvents & string }

/**
 * The hand-written path to a mixin, for what `auditMixin` can't say.
 *
 * @param methods which event each method attempts. Optional; with it an attempt that is refused
 * before the method runs (a body that fails validation, a guard) leaves its row too.
 * @example
 * export interface InvoiceHandlers { pay(...args: any[]): Promise<unknown> }
 * export function withInvoiceAudit<Base extends MixinBase<InvoiceHandlers>>(Base: Base): Base & MixinBase<AuditedController> {
 *   abstract class InvoiceAudited extends AbstractSignalMixin(Base, { pay: 'invoice_payment' }) {
 *     override async pay(...args: any[]) {
 *       return this.audited('invoice_payment', { invoiceId: args[0] }, () => super.pay(...args))
 *     }
 *   }
 *   return InvoiceAudited
 * }
 */
export function AbstractSignalMixin<Base extends MixinBase>(
  Base: Base,
  methods: AuditedMethods = {},
): Base & MixinBase<SignalSource> {
  const base: AnyClass = Base
  if (typeof base !== 'function' || typeof base.prototype !== 'object')
    throw new AuditError('HANDLER_MISSING', `${by} was given ${inspect(base)}, which is no class.`)
  for (const event of Object.values(methods)) assertEventName(event)

  const SignalAudited = hookedClass(base, { name: 'SignalAudited' })
  defineMethod(SignalAudited, 'audited', audited)
  markAudited(SignalAudited)
  for (const [method, event] of Object.entries(methods)) {
    assertHandler(base, method, `AbstractSignalMixin (${event})`)
    addHook(onClass(SignalAudited, base), {
      event,
      method,
      by,
      declares: true,
      details: undefined,
      attempted: undefined,
      subject: undefined,
    })
  }
  return SignalAudited as unknown as Base & MixinBase<SignalSource>
}

async function audited(this: object, event: EventName, details: object, run: () => Promise<unknown>): Promise<unknown> {
  assertEventName(event)
  const facts = factsOf(this)
  const flow = currentFlow()
  const running = flow?.call && isCallOf(flow.call, facts, this, null) ? flow.call : undefined
  const call = running ?? openCall(facts, flow, declaredMethod(facts.controller, event))
  call.self = this
  const attempt = call.attempts.find((open) => open.event === event && !call.entered.includes(open)) ?? call.open(event)
  call.entered.push(attempt)
  attempt.details = { ...attempt.details, ...details }
  const handle = async (): Promise<unknown> => {
    try {
      return await call.run(run, [attempt])
    } catch (error) {
      attempt.error = error ?? new Error('The handler threw nothing.')
      throw error
    }
  }
  return running ? handle() : closing(call, handle)
}

/** The method that a hand-written mixin said it audits for an event. */
function declaredMethod(controller: AnyClass, event: EventName): string | null {
  return hooksOf(controller).hooks.find((hook) => hook.event === event && hook.by === by)?.method ?? null
}
